-- State of grains: a row for each (service, name of the state, key of the grain). The provider gives integer and GUID keys as two numbers, and other
-- keys as a text. A cleared state keeps its row without a payload, so that its version only ever grows and a writer from before is refused.
CREATE TABLE IF NOT EXISTS emu3_state (
    service  text COLLATE "C" NOT NULL,
    state    text COLLATE "C" NOT NULL,
    key_high bigint NOT NULL,
    key_low  bigint NOT NULL,
    key_text text COLLATE "C" NOT NULL,
    version  integer NOT NULL,
    payload  bytea,
    PRIMARY KEY (service, state, key_high, key_low, key_text)
) WITH (fillfactor = 70); -- rows are written again and again: room on their page spares the index

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('ReadFromStorageKey', $query$
    SELECT payload AS "PayloadBinary", version AS "Version"
    FROM emu3_state
    WHERE service = @ServiceId AND state = @GrainTypeString
      AND key_high = @GrainIdN0 AND key_low = @GrainIdN1 AND key_text = coalesce(@GrainIdExtensionString, '')
$query$),

-- One row with the new version; none when another was there first, which the provider takes for a conflict. Without a version the state is new. A
-- writer that waits for another's row looks at the version again when it gets it.
('WriteToStorageKey', $query$
    WITH made AS (
        INSERT INTO emu3_state (service, state, key_high, key_low, key_text, version, payload)
        SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, ''), 1, @PayloadBinary
        WHERE @GrainStateVersion IS NULL
        ON CONFLICT DO NOTHING
        RETURNING version
    ), replaced AS (
        UPDATE emu3_state SET version = version + 1, payload = @PayloadBinary
        WHERE service = @ServiceId AND state = @GrainTypeString
          AND key_high = @GrainIdN0 AND key_low = @GrainIdN1 AND key_text = coalesce(@GrainIdExtensionString, '')
          AND version = @GrainStateVersion
        RETURNING version
    )
    SELECT version AS "NewGrainStateVersion" FROM made UNION ALL SELECT version FROM replaced
$query$),

('ClearStorageKey', $query$
    UPDATE emu3_state SET version = version + 1, payload = NULL
    WHERE service = @ServiceId AND state = @GrainTypeString
      AND key_high = @GrainIdN0 AND key_low = @GrainIdN1 AND key_text = coalesce(@GrainIdExtensionString, '')
      AND version = @GrainStateVersion
    RETURNING version AS "NewGrainStateVersion"
$query$)
ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText WHERE OrleansQuery.QueryText <> excluded.QueryText;
