-- +goose Up

-- What a person said of the addresses for life. Who said nothing of the targets has those of the older system, else
-- the preferred personal e-mail address.
CREATE TABLE forwarding_settings (
    person_id    UUID PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    mode         TEXT NOT NULL CHECK (mode IN ('all', 'order')),  -- to every target, or to the next only when one fails for good
    strictness   TEXT NOT NULL CHECK (strictness IN ('lax', 'normal', 'strict')),
    paused_until TIMESTAMP,              -- mail waits here until then; NULL or past: it goes
    chosen       BOOLEAN NOT NULL,       -- the targets below are the person's word; FALSE: they only mark what is dead
    updated_at   TIMESTAMP NOT NULL
);

CREATE TABLE forwarding_targets (
    person_id   UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    address_key TEXT NOT NULL,           -- fold.Email of it
    address     TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('target', 'reserve')),
    position    BIGINT NOT NULL,         -- order, from 1
    known       BOOLEAN NOT NULL,        -- counts without being a confirmed contact point: an older system knew it
    dead_at     TIMESTAMP,               -- mail to it failed for too long; NULL: it is used
    PRIMARY KEY (person_id, address_key)
);
CREATE INDEX forwarding_targets_address ON forwarding_targets (address_key);
CREATE INDEX redirect_targets_target ON redirect_targets (lower(target));

-- Who has no target and was asked for one. Mail waits for five days from then, afterwards it is refused.
CREATE TABLE forwarding_asked (
    person_id UUID PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    first_at  TIMESTAMP NOT NULL,
    letters   BIGINT NOT NULL            -- sent so far
);

-- Mail that waits here, one row a delivery held in the outbox.
CREATE TABLE forwarding_held (
    delivery_id UUID PRIMARY KEY,
    slip_id     UUID NOT NULL,           -- its row in inbox
    person_id   UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    size        BIGINT NOT NULL,         -- bytes
    why         TEXT NOT NULL CHECK (why IN ('paused', 'asked')),
    since       TIMESTAMP NOT NULL,      -- when that became the reason
    given_up_at TIMESTAMP                -- it counts as refused since then; its owner may still send it on
);
CREATE INDEX forwarding_held_person ON forwarding_held (person_id);

-- Targets that refused a delivery for good before another was tried, where they are tried in turn. Kept thirty days.
CREATE TABLE forwarding_tried (
    delivery_id UUID NOT NULL,
    address_key TEXT NOT NULL,
    address     TEXT NOT NULL,
    class       TEXT NOT NULL,           -- mail.Class of the answer
    at          TIMESTAMP NOT NULL,
    PRIMARY KEY (delivery_id, address_key)
);

-- Messages whose senders were told, once, that they did not arrive. Kept thirty days.
CREATE TABLE forwarding_reports (
    slip_id UUID PRIMARY KEY,
    at      TIMESTAMP NOT NULL
);

-- Passwords by which mail programs send as an address for life.
CREATE TABLE forwarding_passwords (
    id         UUID PRIMARY KEY,
    person_id  UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    name       TEXT NOT NULL,            -- which program, as its owner calls it
    hash       TEXT NOT NULL UNIQUE,     -- SHA-256 of a random secret of 100 bits
    created_at TIMESTAMP NOT NULL,
    used_at    TIMESTAMP                 -- to the hour
);
CREATE INDEX forwarding_passwords_person ON forwarding_passwords (person_id);

-- How many recipients somebody named in a day through a mail program.
CREATE TABLE forwarding_submissions (
    person_id UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    day       DATE NOT NULL,             -- in UTC
    named     BIGINT NOT NULL,
    PRIMARY KEY (person_id, day)
);

-- +goose Down
DROP TABLE forwarding_submissions;
DROP TABLE forwarding_passwords;
DROP TABLE forwarding_reports;
DROP TABLE forwarding_tried;
DROP TABLE forwarding_held;
DROP TABLE forwarding_asked;
DROP INDEX redirect_targets_target;
DROP TABLE forwarding_targets;
DROP TABLE forwarding_settings;
