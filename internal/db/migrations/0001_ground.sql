-- +goose Up

-- The feed each process replays to keep its search index true. One row hands out the numbers: its lock makes
-- them appear in the order they commit, so a reader who saw n never misses a smaller one.
CREATE TABLE change_counter (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO change_counter (id, seq) VALUES (1, 0);

CREATE TABLE changes (
    seq    BIGINT PRIMARY KEY,
    kind   TEXT NOT NULL,      -- 'person', later 'company', 'posting'
    entity UUID NOT NULL,
    at     TIMESTAMP NOT NULL
);

CREATE TABLE jobs (
    id           UUID PRIMARY KEY,
    kind         TEXT NOT NULL,
    payload      JSON NOT NULL,
    unique_key   TEXT,           -- while such a job waits or runs, another with the same key is not added
    run_at       TIMESTAMP NOT NULL,
    attempts     BIGINT NOT NULL,
    lease_until  TIMESTAMP,      -- set while a worker has it; past that another may claim it
    worker       TEXT,
    last_error   TEXT,
    failed_at    TIMESTAMP,      -- set when it is given up; it stays for the staff to see
    created_at   TIMESTAMP NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE failed_at IS NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key) WHERE unique_key IS NOT NULL AND failed_at IS NULL;

-- Who saw or changed whose data. Rows are only ever added.
CREATE TABLE audit (
    id          UUID PRIMARY KEY,
    at          TIMESTAMP NOT NULL,
    account_id  UUID,            -- who acted; NULL for background work and for guests
    actor       TEXT NOT NULL,   -- as it read then: a name, or what background work
    action      TEXT NOT NULL,   -- 'profile.viewed_coordinates', 'case.resolved', …
    person_id   UUID,            -- whose data
    object      TEXT,            -- what else it was about, e.g. a case's identifier
    association_id UUID,         -- whose staff may read it among the latest; NULL: the federation's alone
    detail      JSON
);
CREATE INDEX audit_association ON audit (association_id, at);
CREATE INDEX audit_person ON audit (person_id, at);
CREATE INDEX audit_object ON audit (object, at);
CREATE INDEX audit_at ON audit (at);

-- Letters leaving, with what became of them.
CREATE TABLE outbox (
    id          UUID PRIMARY KEY,
    kind        TEXT NOT NULL,   -- 'activation.link', …
    recipient   TEXT NOT NULL,
    person_id   UUID,
    sender      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    body_text   TEXT NOT NULL,
    body_html   TEXT NOT NULL,
    headers     JSON NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    attempts    BIGINT NOT NULL,
    next_at     TIMESTAMP NOT NULL,
    last_error  TEXT,
    created_at  TIMESTAMP NOT NULL,
    sent_at     TIMESTAMP
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'queued';
CREATE INDEX outbox_created ON outbox (created_at);

CREATE TABLE sessions (
    token_hash   TEXT PRIMARY KEY,   -- SHA-256 of the cookie's secret
    id           UUID NOT NULL UNIQUE,
    account_id   UUID NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL, -- to the quarter of an hour
    expires_at   TIMESTAMP NOT NULL,
    strong       BOOLEAN NOT NULL,   -- a second factor or a passkey was given
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);

CREATE TABLE settings (
    name       TEXT PRIMARY KEY,
    value      JSON NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE settings;
DROP TABLE sessions;
DROP TABLE outbox;
DROP TABLE audit;
DROP TABLE jobs;
DROP TABLE changes;
DROP TABLE change_counter;
