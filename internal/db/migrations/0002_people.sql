-- +goose Up

CREATE TABLE associations (
    id          UUID PRIMARY KEY,
    code        TEXT NOT NULL UNIQUE,    -- 'ly': two or three lower-case letters, part of every login
    name        TEXT NOT NULL,           -- AIL Alumni INSA Lyon
    school      TEXT NOT NULL,           -- INSA Lyon
    host        TEXT NOT NULL,           -- the association's own public page
    mail_domain TEXT NOT NULL,           -- of the lifetime addresses
    color       TEXT NOT NULL,           -- #rrggbb, the one accent
    logo        TEXT NOT NULL,           -- blob key; '' when there is none
    position    BIGINT NOT NULL,         -- order in lists
    created_at  TIMESTAMP NOT NULL
);

CREATE TABLE persons (
    id            UUID PRIMARY KEY,
    civility      TEXT NOT NULL CHECK (civility IN ('', 'm', 'mme')),
    first_names   TEXT NOT NULL,         -- all of them, as in the register
    first_name    TEXT NOT NULL,         -- the one in use
    birth_surname TEXT NOT NULL,
    usage_surname TEXT NOT NULL,         -- '' when it is the birth surname
    first_key     TEXT NOT NULL,         -- the folded forms, for look-ups (fold.Name)
    birth_key     TEXT NOT NULL,
    usage_key     TEXT NOT NULL,
    birth_date    DATE,
    birth_year    BIGINT NOT NULL,       -- 0 when unknown
    status        TEXT NOT NULL CHECK (status IN ('student', 'graduate', 'deceased', 'other')),
    deceased_on   DATE,
    headline      TEXT NOT NULL,
    presentation  TEXT NOT NULL,
    photo         TEXT NOT NULL,         -- blob key prefix; '' when there is none
    audiences     JSON NOT NULL,         -- field → audience, only where it differs from the default
    note          JSON NOT NULL,         -- columns of an import that have no place of their own
    activated_at  TIMESTAMP,             -- first sign-in; until then only name, school and class are shown
    confirmed_at  TIMESTAMP,             -- the person last said "this is right" or changed something
    merged_into   UUID REFERENCES persons (id) DEFERRABLE INITIALLY DEFERRED,
    created_at    TIMESTAMP NOT NULL,
    updated_at    TIMESTAMP NOT NULL
);
CREATE INDEX persons_birth_key ON persons (birth_key, first_key);
CREATE INDEX persons_usage_key ON persons (usage_key, first_key);

CREATE TABLE degrees (
    id             UUID PRIMARY KEY,
    person_id      UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    association_id UUID NOT NULL REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED,
    class_year     BIGINT NOT NULL,      -- 0 when unknown: no login then
    diploma        TEXT NOT NULL CHECK (diploma IN ('engineer', 'architect', 'master', 'doctorate', 'student', 'other')),
    study_year     BIGINT NOT NULL,      -- of a student, 1 to 8; 0 otherwise
    department     TEXT NOT NULL,
    created_at     TIMESTAMP NOT NULL
);
CREATE INDEX degrees_person ON degrees (person_id);
CREATE INDEX degrees_class ON degrees (class_year, association_id);

-- Given once and for ever: a row never changes hands and is never deleted.
CREATE TABLE logins (
    login_key  TEXT PRIMARY KEY,         -- fold.TypedLogin of it
    login      TEXT NOT NULL,            -- as it was given, also where it breaks the pattern
    person_id  UUID REFERENCES persons (id) DEFERRABLE INITIALLY DEFERRED, -- NULL: staff, or an erased person
    degree_id  UUID,                     -- the degree it was made for; NULL for imported former ones
    current    BOOLEAN NOT NULL,         -- shown as the login of its degree
    origin     TEXT NOT NULL,            -- 'generated', 'import', 'name change', 'staff'
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX logins_person ON logins (person_id);

CREATE TABLE contact_points (
    id           UUID PRIMARY KEY,
    person_id    UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    kind         TEXT NOT NULL CHECK (kind IN ('email', 'phone', 'postal')),
    purpose      TEXT NOT NULL CHECK (purpose IN ('personal', 'professional', 'temporary')),
    value        TEXT NOT NULL,          -- e-mail or phone as shown; '' for a postal address
    value_key    TEXT NOT NULL,          -- fold.Email or E.164, for look-ups
    street       TEXT NOT NULL,          -- lines of a postal address
    postcode     TEXT NOT NULL,
    city         TEXT NOT NULL,
    country      TEXT NOT NULL,          -- ISO 3166-1 alpha-2
    valid_from   DATE,                   -- of a temporary address
    valid_to     DATE,
    audience     TEXT NOT NULL,
    preferred    BOOLEAN NOT NULL,       -- the one to write to, one a person and kind
    confirmed_at TIMESTAMP,              -- e-mail: the link was followed
    origin       TEXT NOT NULL,          -- 'import', 'person', 'staff', 'activation'
    created_at   TIMESTAMP NOT NULL,
    updated_at   TIMESTAMP NOT NULL
);
CREATE INDEX contact_points_person ON contact_points (person_id);
CREATE INDEX contact_points_value ON contact_points (value_key) WHERE value_key <> '';

CREATE TABLE memberships (
    id             UUID PRIMARY KEY,
    person_id      UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    association_id UUID NOT NULL REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED,
    starts_on      DATE NOT NULL,
    ends_on        DATE NOT NULL,        -- the last day it counts
    origin         TEXT NOT NULL,        -- 'import', 'secretary'
    recorded_by    UUID,                 -- account
    created_at     TIMESTAMP NOT NULL
);
CREATE INDEX memberships_person ON memberships (person_id, ends_on);

CREATE TABLE legacy_ids (
    source    TEXT NOT NULL,             -- which older system, e.g. 'ly', 'galette'
    value     TEXT NOT NULL,
    person_id UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (source, value)
);
CREATE INDEX legacy_ids_person ON legacy_ids (person_id);

-- Each consent and each refusal, with when and where it was said; the newest of a kind counts.
CREATE TABLE consents (
    id         UUID PRIMARY KEY,
    person_id  UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    kind       TEXT NOT NULL,            -- 'mailing', 'paper', 'directory', …
    granted    BOOLEAN NOT NULL,
    at         TIMESTAMP NOT NULL,
    origin     TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX consents_person ON consents (person_id, kind, at);

-- Where a lifetime address goes, as the older system knew it; forwarding takes it over.
CREATE TABLE redirect_targets (
    id         UUID PRIMARY KEY,
    person_id  UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    target     TEXT NOT NULL,
    origin     TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    UNIQUE (person_id, target)
);

-- +goose Down
DROP TABLE redirect_targets;
DROP TABLE consents;
DROP TABLE legacy_ids;
DROP TABLE memberships;
DROP TABLE contact_points;
DROP TABLE logins;
DROP TABLE degrees;
DROP TABLE persons;
DROP TABLE associations;
