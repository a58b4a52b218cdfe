-- +goose Up

-- A message that is passed on as it came. It goes when no delivery needs it any more.
CREATE TABLE outbox_bodies (
    id         UUID PRIMARY KEY,
    raw        BYTEA NOT NULL,           -- byte for byte; what is put before it stands with the delivery
    created_at TIMESTAMP NOT NULL
);

-- One row a message and target.
CREATE TABLE outbox_deliveries (
    id         UUID PRIMARY KEY,         -- its return token holds it
    body_id    UUID NOT NULL,
    stream     TEXT NOT NULL,
    kind       TEXT NOT NULL,            -- whom the outcome is told: 'forward', 'submission', 'report', …
    ref        UUID NOT NULL,            -- what it is about, in that one's tables
    head       TEXT NOT NULL,            -- header lines put before the body, with CRLF
    sender     TEXT NOT NULL,            -- of the envelope; '' is <>
    recipient  TEXT NOT NULL,
    domain     TEXT NOT NULL,            -- of the recipient, for claiming around destinations that are full
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'held')), -- held: until somebody says where to
    attempts   BIGINT NOT NULL,
    next_at    TIMESTAMP NOT NULL,
    class      TEXT NOT NULL,            -- mail.Class of the last answer; '' before any
    reply      JSON NOT NULL,            -- mail.Reply of the last answer
    created_at TIMESTAMP NOT NULL,
    done_at    TIMESTAMP
);
CREATE INDEX outbox_deliveries_due ON outbox_deliveries (next_at, id) WHERE state = 'queued';
CREATE INDEX outbox_deliveries_ref ON outbox_deliveries (ref);
CREATE INDEX outbox_deliveries_body ON outbox_deliveries (body_id);
CREATE INDEX outbox_deliveries_created ON outbox_deliveries (created_at);

-- What a letter's last answer was, as deliveries have it.
ALTER TABLE outbox ADD COLUMN stream TEXT NOT NULL DEFAULT 'notifications';
ALTER TABLE outbox ADD COLUMN class TEXT NOT NULL DEFAULT '';

-- How a destination answered, by hour: what blames us must not count against anybody's address.
CREATE TABLE outbox_hours (
    destination TEXT NOT NULL,
    hour        TIMESTAMP NOT NULL,      -- its beginning
    sent        BIGINT NOT NULL,
    reputation  BIGINT NOT NULL,         -- answers that blame our reputation
    failed      BIGINT NOT NULL,         -- other refusals for good
    PRIMARY KEY (destination, hour)
);

-- What arrived, one row a message and recipient, refused or taken; never the message itself. Kept thirty days.
CREATE TABLE inbox (
    id          UUID PRIMARY KEY,
    message_id  UUID NOT NULL,           -- the same for all recipients of one message
    box         TEXT NOT NULL,           -- which kind of recipient: 'forwarding', 'returns', 'offers', …
    owner_id    UUID,                    -- whose mail it is, in that box; NULL when nobody's
    recipient   TEXT NOT NULL,
    sender      TEXT NOT NULL,           -- of the envelope; '' is <>
    header_from TEXT NOT NULL,           -- as shown
    subject     TEXT NOT NULL,
    message_key TEXT NOT NULL,           -- its Message-ID
    size        BIGINT NOT NULL,         -- bytes
    remote      TEXT NOT NULL,           -- address of who handed it over
    auth        JSON NOT NULL,           -- what SPF, DKIM and DMARC said
    score       BIGINT NOT NULL,         -- of the spam checks, in tenths
    state       TEXT NOT NULL CHECK (state IN ('taken', 'refused')),
    reason      TEXT NOT NULL,           -- the answer of a refusal
    at          TIMESTAMP NOT NULL
);
CREATE INDEX inbox_owner ON inbox (owner_id, at);
CREATE INDEX inbox_at ON inbox (at);

-- One signing key a domain, stream and algorithm. The newest that is active signs; an older one stays published for a while.
CREATE TABLE dkim_keys (
    id         UUID PRIMARY KEY,
    domain     TEXT NOT NULL,
    stream     TEXT NOT NULL,
    selector   TEXT NOT NULL,
    algorithm  TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    private    TEXT NOT NULL,            -- PKCS #8 in base64
    active     BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (domain, selector)
);

-- Keys of the installation that must be the same in every process, by name: 'return tokens', 'unsubscribe'.
CREATE TABLE mail_secrets (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL                  -- 32 bytes in base64
);

-- +goose Down
DROP TABLE mail_secrets;
DROP TABLE dkim_keys;
DROP TABLE inbox;
DROP TABLE outbox_hours;
ALTER TABLE outbox DROP COLUMN class;
ALTER TABLE outbox DROP COLUMN stream;
DROP TABLE outbox_deliveries;
DROP TABLE outbox_bodies;
