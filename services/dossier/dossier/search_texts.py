"""What the database does itself, whoever changes a family: the words by which its dossier is found stay true.

Statement by statement, not row by row: a town is loaded by COPY.
"""

from collections.abc import Iterator

_FUNCTIONS = (
    # As words are written, so are they asked for: without case, accents, hyphens and apostrophes.
    """CREATE FUNCTION plain_words(said text) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT array_remove(regexp_split_to_array(lower(unaccent(normalize(said))), '[^a-z0-9]+'), '')
    $$""",
    # Locked before the family is read: of two changes at once the second sees the first.
    """CREATE FUNCTION write_search_texts(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM search_texts WHERE dossier_id = ANY (ids) ORDER BY dossier_id FOR UPDATE;
        INSERT INTO search_texts AS kept (dossier_id, number, words)
        SELECT id, number, array_to_tsvector(plain_words(concat_ws(' ', number, street, postcode, city,
            (SELECT string_agg(concat_ws(' ', first_name, last_name), ' ') FROM adults WHERE dossier_id = dossiers.id),
            (SELECT string_agg(concat_ws(' ', first_name, last_name), ' ') FROM children
             WHERE id IN (SELECT child_id FROM dossier_children WHERE dossier_id = dossiers.id)))))
        FROM dossiers WHERE id = ANY (ids)
        ON CONFLICT (dossier_id) DO UPDATE SET number = excluded.number, words = excluded.words
        WHERE (kept.number, kept.words) IS DISTINCT FROM (excluded.number, excluded.words);
        INSERT INTO search_words
        SELECT DISTINCT word FROM search_texts, unnest(tsvector_to_array(words)) word
        WHERE dossier_id = ANY (ids) AND word !~ '[0-9]' ORDER BY word
        ON CONFLICT DO NOTHING;
    END $$""",
    # A name that is erased, or was misspelt, is not kept as a word either.
    """CREATE FUNCTION forget_search_words() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        gone text[] := tsvector_to_array(OLD.words);
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            gone := ARRAY(SELECT unnest(gone) EXCEPT SELECT unnest(tsvector_to_array(NEW.words)));
        END IF;
        DELETE FROM search_words WHERE word = ANY (gone)
            AND NOT EXISTS (SELECT FROM search_texts WHERE words @@ word::tsquery);
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER words_are_forgotten AFTER UPDATE OR DELETE ON search_texts
    FOR EACH ROW EXECUTE FUNCTION forget_search_words()""",
)

#: Whose words are written anew, where rows of these tables change.
_WHOSE = {
    "dossiers": "SELECT id FROM changed",
    "members": "SELECT dossier_id FROM changed",
    "children": "SELECT dossier_id FROM dossier_children JOIN changed ON child_id = id",
}

#: By which changes; who moves leaves one dossier and comes to another: both are written anew.
_CHANGES = (
    ("dossiers", "dossiers", ("insert new", "update new")),
    ("adults", "members", ("insert new", "update new", "update old", "delete old")),
    ("dossier_children", "members", ("insert new", "update new", "update old", "delete old")),
    ("children", "children", ("update new",)),
)


def _triggers() -> Iterator[str]:
    for name, ids in _WHOSE.items():
        yield f"""CREATE FUNCTION keep_words_of_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM write_search_texts(ARRAY({ids}));
        RETURN NULL;
    END $$"""
    for table, name, changes in _CHANGES:
        for change, rows in map(str.split, changes):
            yield (
                f"CREATE TRIGGER words_at_{change}_{rows} AFTER {change} ON {table}"
                f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_{name}()"
            )


UPKEEP = (*_FUNCTIONS, *_triggers())
