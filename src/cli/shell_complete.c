/* shell_complete: the Tab key: commands, keywords, namespaces, tables, columns.
 *
 * Words with a dot are tables ("raw.or") or columns of a table or alias of the statement ("o.am");
 * others are all that a statement may hold. Keywords follow the case that is typed.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/sql_token.h"
#include "cli/shell_int.h"

#define SHOWN_MAX 200

static const char *const keywords[] = {"SELECT",
                                       "FROM",
                                       "WHERE",
                                       "GROUP BY",
                                       "ORDER BY",
                                       "HAVING",
                                       "LIMIT",
                                       "OFFSET",
                                       "JOIN",
                                       "LEFT JOIN",
                                       "INNER JOIN",
                                       "FULL JOIN",
                                       "CROSS JOIN",
                                       "USING",
                                       "UNION",
                                       "UNION ALL",
                                       "INTERSECT",
                                       "EXCEPT",
                                       "DISTINCT",
                                       "AND",
                                       "BETWEEN",
                                       "CASE",
                                       "WHEN",
                                       "THEN",
                                       "ELSE",
                                       "END",
                                       "EXISTS",
                                       "INSERT INTO",
                                       "VALUES",
                                       "UPDATE",
                                       "DELETE FROM",
                                       "MERGE INTO",
                                       "MATCHED",
                                       "RETURNING",
                                       "CREATE TABLE",
                                       "CREATE NAMESPACE",
                                       "CREATE VIEW",
                                       "CREATE OR REPLACE",
                                       "ALTER TABLE",
                                       "ALTER VIEW",
                                       "DROP TABLE",
                                       "DROP VIEW",
                                       "DROP NAMESPACE",
                                       "TRUNCATE TABLE",
                                       "PARTITIONED BY",
                                       "TBLPROPERTIES",
                                       "WRITE ORDERED BY",
                                       "IF EXISTS",
                                       "IF NOT EXISTS",
                                       "ADD COLUMN",
                                       "DROP COLUMN",
                                       "RENAME TO",
                                       "RENAME COLUMN",
                                       "CREATE BRANCH",
                                       "CREATE TAG",
                                       "DROP BRANCH",
                                       "DROP TAG",
                                       "VERSION AS OF",
                                       "TIMESTAMP AS OF",
                                       "CALL",
                                       "BEGIN",
                                       "COMMIT",
                                       "ROLLBACK",
                                       "SHOW TABLES",
                                       "SHOW NAMESPACES",
                                       "SHOW VIEWS",
                                       "SHOW CREATE TABLE",
                                       "DESCRIBE",
                                       "EXPLAIN",
                                       "EXPLAIN ANALYZE",
                                       "SUMMARIZE",
                                       "WITH",
                                       "NULL",
                                       "TRUE",
                                       "FALSE",
                                       "NOT",
                                       "LIKE",
                                       "INTERVAL",
                                       "CAST",
                                       "COUNT",
                                       "PIVOT",
                                       "UNPIVOT",
                                       "QUALIFY",
                                       "USE",
                                       "COMMENT ON",
                                       "DEFAULT",
                                       "BIGINT",
                                       "INTEGER",
                                       "DOUBLE",
                                       "DECIMAL",
                                       "VARCHAR",
                                       "BOOLEAN",
                                       "DATE",
                                       "TIMESTAMP",
                                       "TIMESTAMPTZ"};

struct finder {
    struct tarn_workspace *w; /* may be NULL */
    struct tarn_op *op;
    struct tarn_str text, word; /* text: without the word */
    struct tarn_str *items;
    size_t count, cap;
};

static bool starts_nocase(struct tarn_str s, struct tarn_str prefix)
{
    return s.len >= prefix.len && tarn_str_eq_nocase(tarn_str_of(s.ptr, prefix.len), prefix);
}

/* Keeps the candidate if the word leads to it. */
static enum tarn_status add(struct finder *f, struct tarn_str candidate)
{
    if (!starts_nocase(candidate, f->word))
        return TARN_OK;
    for (size_t i = 0; i < f->count; i++)
        if (tarn_str_eq(f->items[i], candidate))
            return TARN_OK;
    TARN_GROW(f->op, f->items, f->count, f->cap);
    f->items[f->count++] = candidate;
    return TARN_OK;
}

static bool is_lower(struct tarn_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (isupper((unsigned char)word.ptr[i]))
            return false;
    return word.len > 0;
}

static enum tarn_status add_keywords(struct finder *f)
{
    bool lower = is_lower(f->word);
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        struct tarn_str word = tarn_strdup(f->op, tarn_str_view(keywords[i]));
        if (!word.ptr)
            return TARN_NOMEM;
        for (char *p = (char *)(uintptr_t)word.ptr; lower && *p; p++)
            *p = (char)tolower((unsigned char)*p);
        TARN_TRY(add(f, word));
    }
    return TARN_OK;
}

static enum tarn_status add_commands(struct finder *f)
{
    const char *name;
    for (size_t i = 0; (name = tarn__shell_command_name(i)); i++)
        TARN_TRY(add(f, tarn_str_view(name)));
    return TARN_OK;
}

/* A name as SQL needs it written. */
static struct tarn_str quoted(struct tarn_op *op, struct tarn_str name)
{
    bool plain = name.len > 0 && !isdigit((unsigned char)name.ptr[0]);
    struct tarn_buf b;
    struct tarn_str out = name;
    for (size_t i = 0; plain && i < name.len; i++)
        plain = isalnum((unsigned char)name.ptr[i]) || name.ptr[i] == '_' || name.ptr[i] == '.';
    if (plain)
        return name;
    tarn_buf_init(&b, 1 << 16);
    tarn_buf_sql_name(&b, name);
    if (tarn_buf_take(op, &b, "a name", &out) != TARN_OK)
        tarn_clear(op);
    return out;
}

/* "raw." and "raw.orders" */
static enum tarn_status add_table(struct finder *f, struct tarn_str full)
{
    for (size_t i = full.len; i-- > 0;)
        if (full.ptr[i] == '.') {
            if (i >= f->word.len)
                TARN_TRY(add(f, tarn_str_of(full.ptr, i + 1)));
            break;
        }
    return memchr(f->word.ptr, '.', f->word.len) ? add(f, full) : TARN_OK;
}

/* ---- columns of the statement's tables */

/* "ns.name" that stands at a byte of the text; *end behind it. */
static bool dotted_at(struct tarn_str text, size_t at, struct tarn_str *out, size_t *end)
{
    struct tarn_sql_token t, dot;
    if (!tarn_sql_token(text, at, &t) || t.kind != TARN_SQL_WORD)
        return false;
    size_t begin = t.begin;
    *end = t.end;
    while (tarn_sql_token(text, *end, &dot) && tarn_sql_token_is(text, &dot, ".") &&
           dot.begin == *end && tarn_sql_token(text, dot.end, &t) && t.kind == TARN_SQL_WORD &&
           t.begin == dot.end)
        *end = t.end;
    *out = tarn_str_of(text.ptr + begin, *end - begin);
    return true;
}

static bool is_keyword(struct tarn_str word)
{
    static const char *const behind[] = {"ON",   "SET",   "USING",   "CROSS", "LEFT", "RIGHT",
                                         "FULL", "INNER", "NATURAL", "WHEN",  "FOR",  "AT"};
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++)
        if (tarn_str_eq_nocase(word, tarn_str_view(behind[i])))
            return true;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        struct tarn_str first, rest = tarn_str_view(keywords[i]);
        (void)tarn_str_cut(&rest, ' ', &first);
        if (tarn_str_eq_nocase(word, first))
            return true;
    }
    return false;
}

/* The name that a table has in the statement: its alias, else its last part. */
static struct tarn_str alias_of(struct tarn_str text, struct tarn_str full, size_t end)
{
    struct tarn_sql_token t;
    if (tarn_sql_token(text, end, &t) && tarn_sql_token_is(text, &t, "AS"))
        end = t.end;
    if (tarn_sql_token(text, end, &t) && t.kind == TARN_SQL_WORD) {
        struct tarn_str word = tarn_str_of(text.ptr + t.begin, t.end - t.begin);
        if (!is_keyword(word))
            return word;
    }
    for (size_t i = full.len; i-- > 0;)
        if (full.ptr[i] == '.')
            return tarn_str_of(full.ptr + i + 1, full.len - i - 1);
    return full;
}

static enum tarn_status add_columns(struct finder *f, const struct tarn_table *t,
                                    struct tarn_str alias)
{
    const struct tarn_type *root = &tarn_metadata_schema(&t->metadata)->root;
    for (size_t i = 0; i < root->field_count; i++) {
        struct tarn_str name = quoted(f->op, root->fields[i].name);
        TARN_TRY(add(f, name));
        if (memchr(f->word.ptr, '.', f->word.len)) {
            struct tarn_str full =
                tarn_sprintf(f->op, "%.*s.%.*s", TARN_STR_ARG(alias), TARN_STR_ARG(name));
            if (!full.ptr)
                return TARN_NOMEM;
            TARN_TRY(add(f, full));
        }
    }
    return TARN_OK;
}

static enum tarn_status add_columns_of_text(struct finder *f, struct tarn_str whole)
{
    struct tarn_sql_token t;
    struct tarn_str name;
    size_t end;
    for (size_t p = 0; tarn_sql_token(whole, p, &t); p = t.end) {
        struct tarn_table *table;
        struct tarn_ident ident = {0};
        if (!dotted_at(whole, t.begin, &name, &end) || !memchr(name.ptr, '.', name.len))
            continue;
        t.end = end;
        if (tarn_workspace_find(f->w, f->op, name, &table) != TARN_OK) {
            tarn_clear(f->op);
            continue;
        }
        (void)ident;
        TARN_TRY(add_columns(f, table, alias_of(whole, name, end)));
    }
    return TARN_OK;
}

static enum tarn_status add_names(struct finder *f)
{
    struct tarn_str *names;
    struct tarn_names spaces;
    size_t count;
    TARN_TRY(f->w->resolver.names(&f->w->resolver, f->op, &names, &count));
    for (size_t i = 0; i < count; i++)
        TARN_TRY(add_table(f, names[i]));
    TARN_TRY(tarn_catalog_list_namespaces(f->w->catalog, f->op, &spaces));
    for (size_t i = 0; i < spaces.count; i++) {
        struct tarn_str ns = tarn_sprintf(f->op, "%.*s.", TARN_STR_ARG(spaces.items[i]));
        if (!ns.ptr)
            return TARN_NOMEM;
        TARN_TRY(add(f, ns));
    }
    return TARN_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

static bool of_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '\\' ||
           (unsigned char)c >= 128;
}

enum tarn_status tarn__complete(struct tarn_workspace *w, struct tarn_op *op, struct tarn_str text,
                                struct tarn_str *out_word, struct tarn__words_found *out)
{
    struct finder f = {.w = w, .op = op};
    size_t begin = text.len;
    while (begin > 0 && of_word(text.ptr[begin - 1]))
        begin--;
    f.word = *out_word = tarn_str_of(text.ptr + begin, text.len - begin);
    f.text = tarn_str_of(text.ptr, begin);
    bool command = tarn_str_trim(f.text).len == 0 && f.word.len && f.word.ptr[0] == '\\';
    if (command) {
        TARN_TRY(add_commands(&f));
    } else {
        bool is_argument = f.text.len && tarn_str_trim(f.text).ptr[0] == '\\';
        if (!is_argument)
            TARN_TRY(add_keywords(&f));
        if (w)
            TARN_TRY(add_names(&f));
        if (w && !is_argument)
            TARN_TRY(add_columns_of_text(&f, f.text));
    }
    if (f.count)
        qsort(f.items, f.count, sizeof *f.items, by_bytes);
    *out = (struct tarn__words_found){f.items, f.count};
    return TARN_OK;
}

/* ---- the key */

/* What all candidates begin with. */
static size_t common(const struct tarn__words_found *found)
{
    size_t n = found->items[0].len;
    for (size_t i = 1; i < found->count; i++) {
        size_t k = 0;
        while (k < n && k < found->items[i].len && found->items[i].ptr[k] == found->items[0].ptr[k])
            k++;
        n = k;
    }
    return n;
}

static void list_candidates(struct tarn__shell *s, const struct tarn__words_found *found)
{
    FILE *out = s->console->cli->term.out_tty ? stdout : stderr;
    int width = 0, column = 0, screen = s->console->cli->term.width;
    for (size_t i = 0; i < found->count; i++)
        width = (int)found->items[i].len > width ? (int)found->items[i].len : width;
    width += 2;
    fputc('\n', out);
    for (size_t i = 0; i < found->count && i < SHOWN_MAX; i++) {
        if (column && column + width > screen) {
            fputc('\n', out);
            column = 0;
        }
        fprintf(out, "%-*.*s", width, TARN_STR_ARG(found->items[i]));
        column += width;
    }
    if (found->count > SHOWN_MAX)
        fprintf(out, "\n(%zu more)", found->count - SHOWN_MAX);
    fputc('\n', out);
}

/* Replaces the word by what is sure of it. */
static unsigned char insert(EditLine *edit, struct tarn_str word,
                            const struct tarn__words_found *found)
{
    size_t sure = common(found);
    char text[512];
    if (sure < word.len || sure + 2 > sizeof text)
        return CC_ERROR;
    memcpy(text, found->items[0].ptr, sure);
    if (found->count == 1 && sure && text[sure - 1] != '.')
        text[sure++] = ' ';
    text[sure] = '\0';
    if (word.len == sure && memcmp(text, word.ptr, sure) == 0)
        return CC_ERROR;
    if (word.len) { /* in characters */
        int characters = 0;
        for (size_t i = 0; i < word.len; i++)
            characters += ((unsigned char)word.ptr[i] & 0xC0) != 0x80;
        el_deletestr(edit, characters);
    }
    return el_insertstr(edit, text) == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char tarn__complete_key(EditLine *edit, int key)
{
    struct tarn__shell *s;
    struct tarn__words_found found = {0};
    struct tarn_op op;
    struct tarn_buf text;
    struct tarn_str word;
    unsigned char answer = CC_ERROR;
    (void)key;
    el_get(edit, EL_CLIENTDATA, &s);
    if (tarn_op_init(&op, 0, 0) != TARN_OK)
        return CC_ERROR;
    const LineInfo *line = el_line(edit);
    tarn_buf_init(&text, (size_t)16 << 20);
    tarn_buf_str(&text, tarn_buf_view(&s->text));
    tarn_buf_append(&text, line->buffer, (size_t)(line->cursor - line->buffer));
    if (!text.failed &&
        tarn__complete(s->console->workspace, &op, tarn_buf_view(&text), &word, &found) ==
            TARN_OK &&
        found.count > 0) {
        answer = insert(edit, word, &found);
        if (answer == CC_ERROR && found.count > 1) {
            list_candidates(s, &found);
            answer = CC_REDISPLAY;
        }
    }
    tarn_buf_release(&text);
    tarn_op_release(&op);
    return answer;
}
