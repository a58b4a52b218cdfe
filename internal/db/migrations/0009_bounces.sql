-- +goose Up

-- Since when mail to an e-mail address comes back; NULL while it works, or nobody knows.
ALTER TABLE contact_points ADD COLUMN broken_at TIMESTAMP;

-- What came back from an address, counted by hour, where nothing has arrived since. Forgotten after sixty days.
CREATE TABLE bounce_failures (
    address     TEXT NOT NULL,           -- fold.Email
    hour        TIMESTAMP NOT NULL,      -- its beginning
    class       TEXT NOT NULL CHECK (class IN ('dead', 'full', 'reputation', 'claim')), -- claim: a member says so
    destination TEXT NOT NULL,           -- as outbox_hours has it; of a report '@' and the address's domain
    reported    BOOLEAN NOT NULL,        -- told by a report afterwards, not in the conversation
    failures    BIGINT NOT NULL,
    doubt_at    TIMESTAMP,               -- of a report: a server took a message since, and may still report on it
    doubt_row   UUID,                    -- that message's row
    PRIMARY KEY (address, hour, class, destination)
);
CREATE INDEX bounce_failures_hour ON bounce_failures (hour);

-- Messages that were reported on: whoever copies a return token makes one failure of it, not many.
CREATE TABLE bounce_reports (
    row_id UUID PRIMARY KEY,
    at     TIMESTAMP NOT NULL
);
CREATE INDEX bounce_reports_at ON bounce_reports (at);

-- An address of somebody was found broken, with what took its place.
CREATE TABLE bounce_switches (
    id          UUID PRIMARY KEY,
    person_id   UUID REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, -- NULL: only mail is passed on to it
    what        TEXT NOT NULL CHECK (what IN ('contact', 'spare', 'forwarding')), -- spare: not the one written to, nothing moved
    address     TEXT NOT NULL,           -- fold.Email of the one that broke
    took        TEXT NOT NULL,           -- fold.Email of the one that took over; '' when none did
    cause       TEXT NOT NULL CHECK (cause IN ('dead', 'full')),
    destination TEXT NOT NULL,           -- of the latest failure
    reported    BOOLEAN NOT NULL,        -- known from reports alone
    failures    BIGINT NOT NULL,
    days        BIGINT NOT NULL,         -- distinct ones
    since       TIMESTAMP NOT NULL,      -- hour of the first failure
    at          TIMESTAMP NOT NULL,
    doubt_at    TIMESTAMP,               -- as in bounce_failures
    doubt_row   UUID,
    told_at     TIMESTAMP,               -- of one that nothing replaced: when the school was told
    ended_at    TIMESTAMP,               -- the address works again, or is nobody's any more
    ended_how   TEXT NOT NULL,           -- 'undone', 'confirmed', 'delivered', 'removed'; '' while it stands
    ended_by    TEXT NOT NULL            -- of the staff, as it read then
);
CREATE INDEX bounce_switches_open ON bounce_switches (address) WHERE ended_at IS NULL;
CREATE INDEX bounce_switches_person ON bounce_switches (person_id);
CREATE INDEX bounce_switches_at ON bounce_switches (at, id);

-- Somebody says that his mail to a person came back.
CREATE TABLE bounce_claims (
    id          UUID PRIMARY KEY,
    person_id   UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, -- whom it is about
    reporter_id UUID REFERENCES persons (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    account_id  UUID,                    -- of who said so; NULL once he was erased
    reporter    TEXT NOT NULL,           -- his name as it read then
    address     TEXT NOT NULL,           -- fold.Email; '' for the lifetime address
    day         DATE NOT NULL,           -- on which it came back
    words       TEXT NOT NULL,           -- what he adds
    warned      BIGINT NOT NULL,         -- how many other addresses the person was told at
    at          TIMESTAMP NOT NULL
);
CREATE INDEX bounce_claims_person ON bounce_claims (person_id, at);
CREATE INDEX bounce_claims_reporter ON bounce_claims (reporter_id);
CREATE INDEX bounce_claims_at ON bounce_claims (at, id);

-- Letters to the staff that leave once a day: 'frozen:google', 'lost:' and an association.
CREATE TABLE bounce_notices (
    name TEXT NOT NULL,
    day  DATE NOT NULL,
    PRIMARY KEY (name, day)
);

-- +goose Down
DROP TABLE bounce_notices;
DROP TABLE bounce_claims;
DROP TABLE bounce_switches;
DROP TABLE bounce_reports;
DROP TABLE bounce_failures;
ALTER TABLE contact_points DROP COLUMN broken_at;
