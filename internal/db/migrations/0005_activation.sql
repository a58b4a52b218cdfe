-- +goose Up

-- What the machine must not decide alone. Each case waits for a person of the school's association, or of the
-- federation while nobody knows the school.
CREATE TABLE cases (
    id             UUID PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('activation', 'addition', 'no_class_year', 'import_conflict', 'duplicate', 'not_me')),
    association_id UUID REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED, -- NULL: not known, the federation's
    person_id      UUID REFERENCES persons (id) DEFERRABLE INITIALLY DEFERRED,      -- whom it is about, once known
    other_id       UUID REFERENCES persons (id) DEFERRABLE INITIALLY DEFERRED,      -- of a duplicate: the second one
    unique_key     TEXT,                  -- the same thing is not opened twice; a claim's is freed when it is closed
    reason         TEXT NOT NULL,         -- why the machine did not decide
    claim          JSON NOT NULL,         -- what was claimed
    detail         JSON NOT NULL,         -- what this kind needs besides
    lang           TEXT NOT NULL,         -- of who waits for an answer
    times          BIGINT NOT NULL,       -- how often the same was asked
    state          TEXT NOT NULL CHECK (state IN ('open', 'asked', 'closed')), -- asked: the claimant must answer first
    outcome        TEXT NOT NULL,         -- '' until it is closed
    assignee_id    UUID,                  -- account of who takes care of it
    assignee       TEXT NOT NULL,         -- as it read then
    assigned_at    TIMESTAMP,
    scan_key       TEXT NOT NULL,         -- blob key of the diploma; '' when there is none or no more
    scan_name      TEXT NOT NULL,
    scan_type      TEXT NOT NULL,
    answer_hash    TEXT,                  -- SHA-256 of the secret in the link of "ask for more"
    alarm          BIGINT NOT NULL,       -- the last alarm that left, in days: 0, 1, 3, 7
    version        BIGINT NOT NULL,       -- counts changes, so that two people do not both answer
    opened_at      TIMESTAMP NOT NULL,
    waiting_since  TIMESTAMP NOT NULL,    -- since when it is the staff's turn
    closed_at      TIMESTAMP,
    updated_at     TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX cases_unique ON cases (unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX cases_open ON cases (waiting_since, id) WHERE state <> 'closed';
CREATE INDEX cases_closed ON cases (closed_at) WHERE state = 'closed';
CREATE INDEX cases_person ON cases (person_id);
CREATE INDEX cases_other ON cases (other_id);
CREATE UNIQUE INDEX cases_answer ON cases (answer_hash) WHERE answer_hash IS NOT NULL;

-- What was written to and by a claimant.
CREATE TABLE case_messages (
    id         UUID PRIMARY KEY,
    case_id    UUID NOT NULL REFERENCES cases (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    incoming   BOOLEAN NOT NULL,          -- written by the claimant
    author     TEXT NOT NULL,             -- a member of the staff, as it read then; '' for the claimant
    body       TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX case_messages_case ON case_messages (case_id, created_at);

-- One row a request for activation, written by the job that decides: a job that runs twice decides once.
CREATE TABLE activations (
    id         UUID PRIMARY KEY,          -- made with the request
    person_id  UUID REFERENCES persons (id) DEFERRABLE INITIALLY DEFERRED,
    case_id    UUID,
    outcome    TEXT NOT NULL,             -- 'link', 'already', 'case', 'silent', 'staff'
    email      TEXT NOT NULL,             -- where the link went; '' when none did
    stop_hash  TEXT,                      -- SHA-256 of the secret in the "it was not me" notices
    stopped_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX activations_person ON activations (person_id, created_at);
CREATE INDEX activations_created ON activations (created_at);
CREATE UNIQUE INDEX activations_stop ON activations (stop_hash) WHERE stop_hash IS NOT NULL;

-- Answers kept ready, which each association words as it likes. Without rows of its own it has the built-in ones.
CREATE TABLE desk_replies (
    id             UUID PRIMARY KEY,
    association_id UUID NOT NULL REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED,
    purpose        TEXT NOT NULL CHECK (purpose IN ('ask', 'refuse')),
    lang           TEXT NOT NULL CHECK (lang IN ('fr', 'en')),
    title          TEXT NOT NULL,
    body           TEXT NOT NULL,
    version        BIGINT NOT NULL,
    updated_at     TIMESTAMP NOT NULL
);
CREATE INDEX desk_replies_association ON desk_replies (association_id, purpose, lang);

-- +goose Down
DROP TABLE desk_replies;
DROP TABLE activations;
DROP TABLE case_messages;
DROP TABLE cases;
