-- +goose Up

-- What a person said about who may write to him what, one row a word of his; the current one of a sender and kind
-- counts, the others are its history. Who never said anything gets everything. What older lists say stands in consents.
CREATE TABLE subscription_choices (
    id        UUID PRIMARY KEY,
    person_id UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    sender_id UUID NOT NULL,             -- an association, later a group; the nil UUID is the federation
    kind      TEXT NOT NULL CHECK (kind IN ('news', 'events', 'careers', 'magazine', 'network', 'paper', 'pause')), -- pause: everything, of everybody
    wants     BOOLEAN NOT NULL,
    until_at  TIMESTAMP,                 -- of a pause: when it ends by itself; NULL otherwise
    origin    TEXT NOT NULL CHECK (origin IN ('person', 'one-click', 'complaint', 'staff')),
    basis     TEXT NOT NULL CHECK (basis IN ('interest', 'consent', 'objection')), -- of writing, or of no longer writing (GDPR art. 6 and 21)
    current   BOOLEAN NOT NULL,
    at        TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX subscription_choices_current ON subscription_choices (person_id, sender_id, kind) WHERE current;
CREATE INDEX subscription_choices_person ON subscription_choices (person_id, at);

-- +goose Down
DROP TABLE subscription_choices;
