/* advice: the next step for a statement that could not be read.
 *
 * A parser says where it stopped; people need to know what they meant to write. From the words around
 * that place: a misspelled keyword, a bracket that is not closed, a comma too few or too many, quotes
 * of a word processor, and statements that other systems have. Advice is a hint, never an error of
 * its own, and never takes the place of one that is there. Guarded by tests/e2e/test_mistakes.py.
 */
#include "engine/duckdb/engine_int.h"

#include <ctype.h>
#include <strings.h>

/* Where the statement stopped making sense, and the words around. */
struct spot {
    struct tarn_str sql;
    struct tarn_sql_token first[3];                /* of the statement */
    struct tarn_sql_token here, before, two, next; /* two: before `before` */
    bool at_end, has_before, has_two, has_next;
    size_t first_count;
    int depth;       /* of brackets that are open here */
    size_t open;     /* the innermost's place */
    int cases;       /* CASE without END */
    bool list;       /* things may stand in a list here */
    bool join, with; /* a JOIN without ON or USING; begins with WITH */
};

static const char *const keywords[] = {
    "SELECT",    "FROM",        "WHERE",    "GROUP",         "ORDER",      "HAVING",
    "LIMIT",     "OFFSET",      "QUALIFY",  "WINDOW",        "JOIN",       "LEFT",
    "RIGHT",     "INNER",       "OUTER",    "FULL",          "CROSS",      "NATURAL",
    "LATERAL",   "USING",       "UNION",    "INTERSECT",     "EXCEPT",     "DISTINCT",
    "VALUES",    "INSERT",      "INTO",     "OVERWRITE",     "UPDATE",     "DELETE",
    "MERGE",     "MATCHED",     "WHEN",     "THEN",          "CASE",       "ELSE",
    "BETWEEN",   "LIKE",        "EXISTS",   "CREATE",        "REPLACE",    "TABLE",
    "VIEW",      "NAMESPACE",   "SCHEMA",   "DATABASE",      "DROP",       "ALTER",
    "COLUMN",    "COLUMNS",     "RENAME",   "PARTITION",     "COMMENT",    "PARTITIONED",
    "FIELD",     "PROPERTIES",  "LOCATION", "TBLPROPERTIES", "DEFAULT",    "RETURNING",
    "TRUNCATE",  "DESCRIBE",    "EXPLAIN",  "ANALYZE",       "SHOW",       "TABLES",
    "VIEWS",     "NAMESPACES",  "CALL",     "BEGIN",         "COMMIT",     "ROLLBACK",
    "BRANCHES",  "TRANSACTION", "BRANCH",   "REFS",          "SNAPSHOT",   "VERSION",
    "TIMESTAMP", "ORDERED",     "LOCALLY",  "DISTRIBUTED",   "UNORDERED",  "IDENTIFIER",
    "FIELDS",    "RETAIN",      "DAYS",     "HOURS",         "MINUTES",    "NULL",
    "PRIMARY",   "FIRST",       "AFTER",    "SOURCE",        "NULLS",      "LAST",
    "WITH",      "RECURSIVE",   "INTERVAL", "CATALOGS",      "PROCEDURES", "PARTITIONS",
    "CASCADE",   "UNSET",       "FORWARD",  "TEMPORARY",     "SET",        "END",
};
static const char *const short_words[] = {"AS",  "ON",   "BY",  "IN",  "IS", "NOT",
                                          "AND", "OR",   "TAG", "OF",  "TO", "FOR",
                                          "ASC", "DESC", "IF",  "KEY", "AT"};
/* Words that people mean. */
static const char *const types[] = {"INT",  "DATE", "TIME",  "LIST",  "MAP",    "LONG",
                                    "REAL", "UUID", "ARRAY", "FLOAT", "DOUBLE", "STRING"};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* ---- statements of other systems */

static const struct {
    const char *words[3];
    const char *hint;
} foreign[] = {
    {{"OPTIMIZE"}, "CREATE OR REPLACE TABLE t AS SELECT * FROM t writes a table's files anew"},
    {{"VACUUM"},
     "old snapshots stay readable: expire_snapshots and remove_orphan_files are not in this "
     "version"},
    {{"CACHE", "TABLE"}, "nothing is cached: leave the statement out"},
    {{"UNCACHE", "TABLE"}, "nothing is cached: leave the statement out"},
    {{"CLEAR", "CACHE"}, "nothing is cached: leave the statement out"},
    {{"MSCK"},
     "a table's metadata know its partitions; CALL system.add_files takes files of others"},
    {{"REFRESH"}, "every statement reads the newest version: leave the statement out"},
    {{"INVALIDATE"}, "every statement reads the newest version: leave the statement out"},
    {{"ANALYZE"}, "statistics are written with every file: leave the statement out"},
    {{"COPY"},
     "INSERT INTO t SELECT * FROM read_csv('..') or read_parquet('..') loads files; "
     "`tarn sql --format csv` writes rows"},
    {{"LOAD", "DATA"},
     "INSERT INTO t SELECT * FROM read_csv('..') or read_parquet('..'), or CALL "
     "system.add_files for Parquet files as they are"},
    {{"GRANT"}, "there are no users: who may read the warehouse's files may read its tables"},
    {{"REVOKE"}, "there are no users: who may read the warehouse's files may read its tables"},
    {{"INSTALL"}, "the engine takes no extensions"},
    {{"LOAD"}, "the engine takes no extensions"},
    {{"ATTACH"},
     "the tables are those of the warehouse; files are read by read_csv, read_json and "
     "read_parquet"},
    {{"SAVEPOINT"}, "BEGIN, then COMMIT or ROLLBACK: a transaction has no savepoints"},
    {{"ROLLBACK", "TO"}, "ROLLBACK takes all of it back: a transaction has no savepoints"},
    {{"UPSERT"}, "MERGE INTO t USING .. ON .. updates rows that are there and inserts others"},
    {{"REPLACE", "INTO"},
     "MERGE INTO t USING .. ON .. updates rows that are there and inserts "
     "others"},
    {{"RESTORE", "TABLE"}, "CALL system.rollback_to_snapshot('ns.t', id)"},
    {{"UNDROP"},
     "CALL system.register_table('ns.t', '<metadata file>') brings a dropped table back"},
    {{"CLONE"}, "CREATE TABLE a AS SELECT * FROM b, or CREATE TABLE a LIKE b without rows"},
    {{"LOCK"}, "BEGIN .. COMMIT: a commit that another one contradicts is a conflict"},
    {{"EXEC"}, "CALL system.<procedure>(..); SHOW PROCEDURES lists them"},
    {{"EXECUTE"}, "CALL system.<procedure>(..); SHOW PROCEDURES lists them"},
    {{"GO"}, "a statement ends with a semicolon"},
    {{"DESCRIBE", "HISTORY"}, "SELECT * FROM ns.t.history, or .snapshots"},
    {{"DESC", "HISTORY"}, "SELECT * FROM ns.t.history, or .snapshots"},
    {{"CREATE", "INDEX"},
     "files carry bounds of their columns; PARTITIONED BY and WRITE ORDERED BY "
     "let queries skip files"},
    {{"CREATE", "UNIQUE"}, "nothing enforces keys; a check of the project can tell of duplicates"},
    {{"CREATE", "MATERIALIZED"}, "a model of the project, or CREATE TABLE .. AS"},
    {{"CREATE", "FUNCTION"},
     "a view, or the expression itself: functions of one's own are not kept"},
    {{"CREATE", "MACRO"}, "a view, or the expression itself: functions of one's own are not kept"},
    {{"CREATE", "SEQUENCE"}, "row_number() OVER () numbers rows; uuid() makes keys"},
    {{"CREATE", "EXTERNAL"},
     "CALL system.register_table takes an Iceberg table that lies elsewhere, "
     "system.add_files Parquet files"},
    {{"SET"}, "what can be set is wap_id: SET wap_id = 'x'; memory and threads: `tarn help sql`"},
    {{"RESET"}, "what can be reset is wap_id"},
    {{"PRAGMA"}, "settings of the engine are options of the program: `tarn help sql`"},
    {{"EXPORT"}, "`tarn sql --format csv` writes rows"},
    {{"IMPORT"}, "INSERT INTO t SELECT * FROM read_csv('..') or read_parquet('..')"},
    {{"KILL"}, "an interrupt (Ctrl-C) ends a statement"},
};

/* ---- words */

static bool is(const struct spot *s, const struct tarn_sql_token *t, const char *word)
{
    return tarn_sql_token_is(s->sql, t, word);
}

static struct tarn_str text_of(const struct spot *s, const struct tarn_sql_token *t)
{
    return tarn_str_of(s->sql.ptr + t->begin, t->end - t->begin);
}

static bool is_keyword(const struct spot *s, const struct tarn_sql_token *t)
{
    for (size_t i = 0; i < COUNT(keywords); i++)
        if (is(s, t, keywords[i]))
            return true;
    for (size_t i = 0; i < COUNT(short_words); i++)
        if (is(s, t, short_words[i]))
            return true;
    return false;
}

/* A name or a value: what cannot stand beside another one. */
static bool is_type(const struct spot *s, const struct tarn_sql_token *t)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (is(s, t, types[i]))
            return true;
    return false;
}

static bool is_operand(const struct spot *s, const struct tarn_sql_token *t)
{
    return t->kind == TARN_SQL_NUMBER || t->kind == TARN_SQL_STRING || t->kind == TARN_SQL_QUOTED ||
           (t->kind == TARN_SQL_WORD && !is_keyword(s, t));
}

/* Is a dot beside it? It is a part of a name then. */
static bool in_dots(const struct spot *s, const struct tarn_sql_token *t)
{
    return (t->begin > 0 && s->sql.ptr[t->begin - 1] == '.') ||
           (t->end < s->sql.len && s->sql.ptr[t->end] == '.');
}

/* ---- the place */

static bool offset_of(const struct tarn_report *r, const struct tarn_sql_text *text,
                      struct tarn_str sql, size_t *out)
{
    int line = text->line0 > 0 ? text->line0 : 1, column = 1;
    for (size_t i = 0; i <= sql.len; i++) {
        if (line == r->line && column == r->column) {
            *out = i;
            return true;
        }
        if (i == sql.len)
            break;
        unsigned char c = (unsigned char)sql.ptr[i];
        if (c == '\n')
            line++, column = 1;
        else if (i + 1 < sql.len && ((unsigned char)sql.ptr[i + 1] & 0xC0) != 0x80)
            column++;
        else if (i + 1 == sql.len)
            column++;
    }
    return false;
}

static void note(struct spot *s, const struct tarn_sql_token *t, size_t *opens, size_t max)
{
    bool opening = is(s, t, "(") || is(s, t, "[") || is(s, t, "{");
    bool closing = is(s, t, ")") || is(s, t, "]") || is(s, t, "}");
    if (opening && s->depth >= 0 && (size_t)s->depth < max)
        opens[s->depth] = t->begin;
    s->depth += opening - closing;
    s->cases += is(s, t, "CASE") - (s->cases > 0 && is(s, t, "END"));
    if (is(s, t, "JOIN"))
        s->join = true;
    if (is(s, t, "ON") || is(s, t, "USING"))
        s->join = false;
}

static void look(struct spot *s, size_t offset)
{
    struct tarn_sql_token t;
    size_t opens[64] = {0};
    s->at_end = true;
    for (size_t p = 0; s->first_count < COUNT(s->first) && tarn_sql_token(s->sql, p, &t); p = t.end)
        s->first[s->first_count++] = t;
    for (size_t p = 0; tarn_sql_token(s->sql, p, &t); p = t.end) {
        if (t.begin >= offset || t.end > offset) {
            s->here = t;
            s->at_end = is(s, &t, ";");
            s->has_next = !s->at_end && tarn_sql_token(s->sql, t.end, &s->next);
            break;
        }
        s->two = s->before;
        s->has_two = s->has_before;
        s->before = t;
        s->has_before = true;
        note(s, &t, opens, COUNT(opens));
    }
    if (s->depth > 0 && (size_t)s->depth <= COUNT(opens))
        s->open = opens[s->depth - 1];
    s->with = s->first_count > 0 && is(s, &s->first[0], "WITH");
}

/* ---- rules: true if one gave advice */

static bool hint_foreign(struct tarn_op *op, const struct spot *s)
{
    for (size_t i = 0; i < COUNT(foreign); i++) {
        bool all = true;
        for (size_t k = 0; k < 3 && foreign[i].words[k] && all; k++)
            all = k < s->first_count && is(s, &s->first[k], foreign[i].words[k]);
        if (all) {
            tarn_hint(op, "%s", foreign[i].hint);
            return true;
        }
    }
    return false;
}

/* The quotes that word processors put. */
static bool hint_quotes(struct tarn_op *op, const struct spot *s)
{
    static const char *const signs[] = {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9C",
                                        "\xE2\x80\x9D", "\xE2\x80\x9E", "\xC2\xAB"};
    struct tarn_sql_token t;
    for (size_t p = 0; tarn_sql_token(s->sql, p, &t); p = t.end)
        for (size_t i = 0; t.kind == TARN_SQL_WORD && i < COUNT(signs); i++)
            if (memmem(s->sql.ptr + t.begin, t.end - t.begin, signs[i], strlen(signs[i]))) {
                tarn_hint(op, "typographic quotes: texts stand in straight ones, 'eu'");
                return true;
            }
    return false;
}

/* Two letters exchanged, too many, too few: what stands before and behind them is the same. */
static bool is_slip(struct tarn_str word, struct tarn_str key)
{
    size_t shorter = word.len < key.len ? word.len : key.len, longer = word.len + key.len - shorter;
    size_t front = 0, back = 0;
    while (front < shorter && word.ptr[front] == key.ptr[front])
        front++;
    while (back < shorter - front && word.ptr[word.len - 1 - back] == key.ptr[key.len - 1 - back])
        back++;
    return front + back + 2 >= longer;
}

static bool hint_spelling_of(struct tarn_op *op, const struct spot *s,
                             const struct tarn_sql_token *t)
{
    struct tarn_str word = text_of(s, t);
    char upper[32];
    if (t->kind != TARN_SQL_WORD || word.len < 3 || word.len >= sizeof upper || in_dots(s, t) ||
        is_keyword(s, t) || is_type(s, t))
        return false;
    for (size_t i = 0; i < word.len; i++)
        upper[i] = (char)toupper((unsigned char)word.ptr[i]);
    const char *alike[COUNT(keywords)]; /* people get the first letter right */
    size_t n = 0;
    for (size_t i = 0; i < COUNT(keywords); i++)
        if (keywords[i][0] == upper[0] &&
            is_slip(tarn_str_of(upper, word.len), tarn_str_view(keywords[i])))
            alike[n++] = keywords[i];
    const char *near = tarn_str_nearest(tarn_str_of(upper, word.len), alike, n);
    if (!near || (word.len == 3 && strlen(near) == 3))
        return false;
    tarn_hint(op, "did you mean %s?", near);
    return true;
}

static bool hint_spelling(struct tarn_op *op, const struct spot *s)
{
    if (!s->at_end && hint_spelling_of(op, s, &s->here))
        return true;
    if (s->has_next && is_keyword(s, &s->here) && !is(s, &s->here, "FROM") &&
        !is(s, &s->here, "INTO") && !is(s, &s->here, "AS") && !is(s, &s->here, "BY") &&
        hint_spelling_of(op, s, &s->next))
        return true;
    return s->has_before && hint_spelling_of(op, s, &s->before);
}

static bool hint_bracket(struct tarn_op *op, const struct spot *s)
{
    struct tarn_sql_token closing;
    if (!s->at_end && s->depth <= 0 && is(s, &s->here, ")")) {
        tarn_hint(op, "no bracket is open that it could close");
        return true;
    }
    if (s->depth <= 0 || (!s->at_end && !is_keyword(s, &s->here)))
        return false;
    /* one that is closed further on is not what is wrong */
    int depth = s->depth;
    for (size_t p = s->at_end ? s->sql.len : s->here.begin;
         tarn_sql_token(s->sql, p, &closing) && depth >= s->depth; p = closing.end)
        depth += is(s, &closing, "(") - is(s, &closing, ")") + is(s, &closing, "[") -
                 is(s, &closing, "]");
    if (depth < s->depth)
        return false;
    struct tarn_str behind = tarn_str_of(s->sql.ptr + s->open, s->sql.len - s->open), line;
    (void)tarn_str_cut(&behind, '\n', &line);
    tarn_hint(op, "the bracket of %.*s%s is not closed", line.len > 24 ? 24 : (int)line.len,
              line.ptr, line.len > 24 ? ".." : "");
    return true;
}

static bool hint_comma(struct tarn_op *op, const struct spot *s)
{
    if (s->at_end || !s->has_before)
        return false;
    bool comma = is(s, &s->before, ",");
    if (comma && (is(s, &s->here, ",") || is(s, &s->here, ")") || is_keyword(s, &s->here))) {
        tarn_hint(op, "is the comma before it one too many?");
        return true;
    }
    bool operand = is_operand(s, &s->before) || is(s, &s->before, ")");
    if (!operand || !s->list || !is_operand(s, &s->here) || in_dots(s, &s->here))
        return false;
    tarn_hint(op, "is a comma or an operator missing before it?");
    return true;
}

static bool hint_version(struct tarn_op *op, const struct spot *s)
{
    static const char *const words[] = {"TIMESTAMP", "VERSION", "SYSTEM_TIME", "SYSTEM_VERSION"};
    for (size_t i = 0; i < COUNT(words); i++)
        if ((!s->at_end && is(s, &s->here, words[i])) ||
            (s->has_before && is(s, &s->before, words[i])) ||
            (s->has_two && is(s, &s->two, words[i])) ||
            (s->has_next && is(s, &s->next, words[i]))) {
            tarn_hint(op, "a table at a version: FROM t TIMESTAMP AS OF '2026-01-31 12:00:00', "
                          "VERSION AS OF 'branch'");
            return true;
        }
    bool sign = !s->at_end && (is(s, &s->here, "@") || is(s, &s->here, "#"));
    if (sign || (s->has_two && is(s, &s->two, "AT") && is(s, &s->before, "("))) {
        tarn_hint(op, "a table at a version: FROM t AT (VERSION => 'v1'), AT (TIMESTAMP => ..)");
        return true;
    }
    return false;
}

static const struct {
    const char *before, *here, *hint; /* here NULL: anything */
} pairs[] = {
    {"LIKE", "%", "texts stand in single quotes: LIKE '%eu%'"},
    {"IN", NULL, "a list stands in brackets: IN (1, 2)"},
    {"VALUES", NULL, "each row stands in brackets: VALUES (1, 'a'), (2, 'b')"},
    {"TOP", NULL, "LIMIT 10 stands at the end of a query"},
    {"AS", "SELECT", "the query of WITH stands in brackets: WITH a AS (SELECT ..)"},
    {"(", "SELECT", "a query of WITH has a name and AS: WITH a AS (SELECT ..)"},
    {"SELECT", "FROM", "what is to be selected is missing: SELECT * FROM .."},
};

static bool hint_pair(struct tarn_op *op, const struct spot *s)
{
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (s->has_before && !s->at_end && is(s, &s->before, pairs[i].before) &&
            (!pairs[i].here || is(s, &s->here, pairs[i].here)) &&
            (!pairs[i].here || strcmp(pairs[i].here, "SELECT") != 0 || s->with)) {
            tarn_hint(op, "%s", pairs[i].hint);
            return true;
        }
    if (!s->at_end && s->has_two && is(s, &s->two, "BETWEEN") && is(s, &s->here, ",")) {
        tarn_hint(op, "between two values stands AND: BETWEEN 1 AND 2");
        return true;
    }
    if (!s->at_end && s->has_next && is(s, &s->here, "=") && s->next.begin == s->here.end &&
        is(s, &s->next, ">")) {
        tarn_hint(op, "\"at least\" is >=");
        return true;
    }
    return false;
}

/* A keyword where a name is wanted. */
static bool hint_reserved(struct tarn_op *op, const struct spot *s)
{
    static const char *const reserved[] = {"ORDER", "GROUP", "SELECT", "TABLE", "LIMIT", "CASE",
                                           "WHEN",  "THEN",  "ELSE",   "END",   "DESC",  "ASC",
                                           "UNION", "USING", "WITH",   "COLUMN"};
    const struct tarn_sql_token *t = &s->here, *left = &s->before;
    if (s->at_end || !s->has_before)
        return false;
    if (!is_keyword(s, t) || is(s, t, "FROM")) { /* SELECT order FROM: the word before */
        t = &s->before;
        left = &s->two;
    }
    if (t == &s->before && !s->has_two)
        return false;
    if (!is(s, left, "SELECT") && !is(s, left, ",") && !is(s, left, "(") && !is(s, left, "AS"))
        return false;
    if (is(s, t, "SELECT") && is(s, left, "("))
        return false;
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (is(s, t, reserved[i])) {
            struct tarn_str word = text_of(s, t);
            tarn_hint(op, "as a name a reserved word stands in double quotes: \"%.*s\"",
                      TARN_STR_ARG(word));
            return true;
        }
    return false;
}

static bool hint_end(struct tarn_op *op, const struct spot *s)
{
    if (s->cases > 0)
        tarn_hint(op, "CASE ends with END");
    else if (s->at_end && s->join)
        tarn_hint(op, "JOIN needs ON a.x = b.y, or USING (x)");
    else if (s->at_end && s->has_before && s->list && is_keyword(s, &s->before)) {
        struct tarn_str word = text_of(s, &s->before);
        tarn_hint(op, "what belongs behind %.*s is missing", TARN_STR_ARG(word));
    } else
        return false;
    return true;
}

typedef bool rule(struct tarn_op *op, const struct spot *s);
static rule *const rules[] = {hint_version,  hint_pair,  hint_spelling, hint_bracket,
                              hint_reserved, hint_comma, hint_end};

/* ---- */

static bool says(const struct tarn_report *r, const char *what)
{
    return strstr(r->message, what) != NULL;
}

static bool is_about_words(const struct tarn_report *r, const struct spot *s)
{
    bool show = s->first_count && is(s, &s->first[0], "SHOW");
    return says(r, "syntax error") || strncmp(r->message, "expected ", 9) == 0 ||
           says(r, "unexpected text") || says(r, "cannot read type") ||
           (show && r->status == TARN_TABLE);
}

static bool hint_column(struct tarn_op *op, const struct spot *s)
{
    if (op->report.status != TARN_COLUMN || s->at_end)
        return false;
    if (s->here.kind == TARN_SQL_QUOTED && s->sql.ptr[s->here.begin] == '"') {
        tarn_hint(op, "names stand in double quotes, texts in single ones: 'eu'");
        return true;
    }
    return s->has_before && is(s, &s->before, ",") && is_keyword(s, &s->here) && hint_comma(op, s);
}

/* What belongs into another clause. */
static bool hint_clause(struct tarn_op *op, const struct spot *s)
{
    const struct tarn_report *r = &op->report;
    bool query = s->first_count && (is(s, &s->first[0], "SELECT") || is(s, &s->first[0], "WITH"));
    if (says(r, "WHERE clause cannot contain aggregates"))
        tarn_hint(op, query ? "conditions on aggregates stand in HAVING, behind GROUP BY"
                            : "write a query in brackets: (SELECT max(x) FROM ..)");
    else if (says(r, "WHERE clause cannot contain window functions"))
        tarn_hint(op, "conditions on window functions stand in QUALIFY");
    else if (says(r, "ambiguous reference"))
        tarn_hint(op, "write the table's name or alias in front of the column's");
    else
        return false;
    return true;
}

void tarn_sql_advise(struct tarn_op *op, const struct tarn_sql_text *text)
{
    struct tarn_report *r = &op->report;
    struct spot s = {.sql = text->origin.ptr ? text->origin : text->sql};
    size_t offset;
    /* a list of all clauses says less than the right one */
    bool replace = says(r, "ALTER TABLE has no");
    if ((r->hint[0] && !replace) || r->column < 1 || !offset_of(r, text, s.sql, &offset))
        return;
    look(&s, offset);
    if (hint_quotes(op, &s))
        return;
    if (hint_clause(op, &s))
        return;
    if (s.first_count && is(&s, &s.first[0], "MERGE") && says(r, "is not in the FROM clause")) {
        tarn_hint(op,
                  "WHEN NOT MATCHED sees the source alone, WHEN NOT MATCHED BY SOURCE the target "
                  "alone");
        return;
    }
    s.list = !says(r, "the end of the statement");
    if ((says(r, "syntax error") || strncmp(r->message, "expected ", 9) == 0 ||
         says(r, "not in this version")) &&
        hint_foreign(op, &s))
        return;
    if (hint_column(op, &s) || (!is_about_words(r, &s) && !replace))
        return;
    if (says(r, "cannot read type")) {
        if (says(r, "unexpected text"))
            tarn_hint(op, "is a comma missing behind it?");
        else if (says(r, "there is no type") && s.has_before)
            (void)hint_spelling_of(op, &s, &s.before);
        return;
    }
    for (size_t i = 0; i < COUNT(rules); i++)
        if (replace ? i == 0 && hint_spelling(op, &s) : rules[i](op, &s))
            return;
}
