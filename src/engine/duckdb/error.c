/* error: what the engine says, told as Tarn tells it.
 *
 * errors_as_json is on, so an error is JSON ("exception_type", "exception_message", "position",
 * "error_subtype", "name", "candidates"), sometimes behind "Parser Error: ". Positions are bytes of
 * the text that ran; they are mapped back to the user's text over what was put before and into it.
 * Names of our own never show: the session's catalog is shown by the name that the user knows.
 */
#include "engine/duckdb/engine_int.h"

#include <ctype.h>
#include <stdlib.h>

#define DETAIL_LINES 8

struct said {
    struct tarn_str type, message, subtype, name, kind, candidates;
    int64_t position; /* -1 = none */
};

/* ---- reading */

static struct tarn_str member(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind == TARN_JSON_K_STRING ? m->text : (struct tarn_str){NULL, 0};
}

static void said_read(struct tarn_op *op, const char *text, struct said *out)
{
    *out = (struct said){.message = tarn_str_view(text ? text : "no reason was given"),
                         .position = -1};
    const char *brace = text ? strchr(text, '{') : NULL;
    struct tarn_json *o;
    if (!brace || brace - text > 64)
        return;
    if (tarn_json_parse(op, tarn_str_view(brace), "the engine's error", &o) != TARN_OK) {
        tarn_clear(op);
        return;
    }
    if (!member(o, "exception_message").ptr)
        return;
    out->type = member(o, "exception_type");
    out->message = member(o, "exception_message");
    out->subtype = member(o, "error_subtype");
    out->name = member(o, "name");
    out->kind = member(o, "type");
    out->candidates = member(o, "candidates");
    if (!tarn_str_to_i64(member(o, "position"), &out->position))
        out->position = -1;
}

/* ---- texts */

static struct tarn_str replaced(struct tarn_op *op, struct tarn_str in, struct tarn_str what,
                                struct tarn_str by)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, (size_t)1 << 20);
    while (what.len > 0 && in.len >= what.len) {
        const char *hit = memmem(in.ptr, in.len, what.ptr, what.len);
        if (!hit)
            break;
        tarn_buf_append(&b, in.ptr, (size_t)(hit - in.ptr));
        tarn_buf_str(&b, by);
        in.len -= (size_t)(hit - in.ptr) + what.len;
        in.ptr = hit + what.len;
    }
    tarn_buf_str(&b, in);
    if (tarn_buf_take(op, &b, "an error text", &out) != TARN_OK) {
        tarn_clear(op);
        return in;
    }
    return out;
}

/* Lower-case first letter (unless an abbreviation stands there) and no mark at the end. */
struct tarn_str tarn__tidy(struct tarn_op *op, struct tarn_str line)
{
    line = tarn_str_trim(line);
    while (line.len > 0 && strchr("!.:", line.ptr[line.len - 1]))
        line.len--;
    struct tarn_str copy = tarn_strdup(op, line);
    if (!copy.ptr)
        return line;
    if (copy.len > 1 && isupper((unsigned char)copy.ptr[0]) && !isupper((unsigned char)copy.ptr[1]))
        *(char *)(uintptr_t)copy.ptr = (char)tolower((unsigned char)copy.ptr[0]);
    return copy;
}

/* "Table "o" does not have a column named "x"": the quoted word after `before`. */
static struct tarn_str quoted_after(struct tarn_str text, const char *before)
{
    size_t n = strlen(before);
    const char *hit = text.len >= n ? memmem(text.ptr, text.len, before, n) : NULL;
    if (!hit)
        return (struct tarn_str){NULL, 0};
    const char *begin = hit + n, *end = memchr(begin, '"', text.len - (size_t)(begin - text.ptr));
    if (!end)
        return (struct tarn_str){NULL, 0};
    return tarn_str_of(begin, (size_t)(end - begin));
}

/* Adds the quoted words and the words between commas of `list` to names. */
static size_t candidate_names(struct tarn_op *op, struct tarn_str list, const char **names,
                              size_t max)
{
    size_t n = 0;
    struct tarn_str head;
    while (n < max && list.ptr && list.len > 0) {
        (void)tarn_str_cut(&list, ',', &head);
        head = tarn_str_trim(head);
        while (head.len > 0 && (head.ptr[0] == ':' || head.ptr[0] == ' '))
            head.ptr++, head.len--;
        if (head.len >= 2 && head.ptr[0] == '"' && head.ptr[head.len - 1] == '"')
            head = tarn_str_of(head.ptr + 1, head.len - 2);
        struct tarn_str copy = tarn_strdup(op, head);
        if (copy.ptr && copy.len > 0)
            names[n++] = copy.ptr;
    }
    return n;
}

/* The name of a column behind the table's: "o.amount". */
static const char *bare_name(const char *z)
{
    const char *dot = strrchr(z, '.');
    return dot ? dot + 1 : z;
}

static void hint_candidates(struct tarn_op *op, struct tarn_str name, struct tarn_str list)
{
    const char *names[32], *bare[32];
    size_t n = candidate_names(op, list, names, 32);
    for (size_t i = 0; i < n; i++)
        bare[i] = bare_name(names[i]);
    const char *near = tarn_str_nearest(name, bare, n);
    if (near)
        tarn_hint(op, "did you mean \"%s\"?", near);
}

/* ---- places */

static bool user_offset(const struct tarn__text *text, int64_t position, size_t *out)
{
    if (position < 0 || (size_t)position < text->prefix)
        return false;
    size_t at = (size_t)position - text->prefix;
    for (size_t i = 0; i < text->splice_count; i++) {
        const struct tarn__splice *p = &text->splices[i];
        if (at <= p->at)
            break;
        at = at < p->at + p->put.len ? p->at : at - p->put.len + p->cut;
    }
    *out = at;
    return at <= text->user.sql.len;
}

bool tarn__origin(const struct tarn_sql_text *text, size_t offset, size_t *out)
{
    bool behind = false; /* the end of a piece is its own, unless the next one begins there */
    *out = offset;
    if (!text->origin.ptr)
        return offset <= text->sql.len;
    for (size_t i = 0; i < text->span_count; i++) {
        const struct tarn_sql_span *span = &text->spans[i];
        if (offset < span->at || offset > span->at + span->length)
            continue;
        *out = span->origin + (offset - span->at);
        if (offset < span->at + span->length)
            return true;
        behind = true;
    }
    return behind;
}

/* The statement's first line, when no better place is known. */
static void place_file(struct tarn_op *op, const struct tarn_sql_text *text)
{
    if (text->file)
        tarn_place(op, text->file, text->line0 > 0 ? text->line0 : 1, 0, NULL);
}

void tarn__place(struct tarn_op *op, const struct tarn_sql_text *text, size_t offset)
{
    int line0 = text->line0 > 0 ? text->line0 : 1, line = line0, column = 1;
    struct tarn_str user = text->origin.ptr ? text->origin : text->sql;
    if (!tarn__origin(text, offset, &offset)) {
        place_file(op, text);
        return;
    }
    for (size_t i = 0; i < offset && i < user.len; i++) {
        unsigned char c = (unsigned char)user.ptr[i];
        if (c == '\n')
            line++, column = 1;
        else if ((c & 0xC0) != 0x80)
            column++;
    }
    struct tarn_str whole = text->whole.ptr ? text->whole : user;
    struct tarn_op quiet = {.arena = op->arena}; /* no memory for the caret is no second failure */
    struct tarn_str copy = tarn_strdup(&quiet, whole);
    tarn_place(op, text->file, text->whole.ptr ? line : line - line0 + 1, column, copy.ptr);
    op->report.line = line;
}

/* ---- statuses */

struct mapping {
    const char *type;
    enum tarn_status status;
};
static const struct mapping mappings[] = {
    {"Parser", TARN_SQL},
    {"Syntax", TARN_SQL},
    {"Binder", TARN_SQL},
    {"Catalog", TARN_SQL},
    {"Parameter Not Resolved", TARN_SQL},
    {"Parameter Not Allowed", TARN_SQL},
    {"Expression", TARN_SQL},
    {"Optimizer", TARN_INTERNAL},
    {"INTERNAL", TARN_INTERNAL},
    {"FATAL", TARN_INTERNAL},
    {"Conversion", TARN_DATA},
    {"Out of Range", TARN_DATA},
    {"Constraint", TARN_DATA},
    {"Invalid Input", TARN_DATA},
    {"Invalid type", TARN_DATA},
    {"Mismatch Type", TARN_DATA},
    {"Divide by Zero", TARN_DATA},
    {"Decimal", TARN_DATA},
    {"Invalid Configuration", TARN_SQL},
    {"Out of Memory", TARN_NOMEM},
    {"Object Size", TARN_LIMIT},
    {"IO", TARN_IO},
    {"Serialization", TARN_CORRUPT},
    {"Permission", TARN_DENIED},
    {"Not implemented", TARN_UNSUPPORTED},
    {"INTERRUPT", TARN_CANCELLED},
    {"Missing Extension", TARN_UNSUPPORTED},
    {"Extension Autoloading", TARN_UNSUPPORTED},
};

static bool contains(struct tarn_str s, const char *z)
{
    return memmem(s.ptr, s.len, z, strlen(z)) != NULL;
}

/* The data file of the statement's scans that a message names, or NULL. */
static const struct tarn__live_file *file_named(const struct tarn__live *list,
                                                struct tarn_str message)
{
    for (; list; list = list->next_own)
        for (size_t i = 0; i < list->file_count; i++)
            if (memmem(message.ptr, message.len, list->files[i].local_path.ptr,
                       list->files[i].local_path.len))
                return &list->files[i];
    return NULL;
}

static const struct tarn__live_file *file_of_session(const struct tarn_session *s,
                                                     struct tarn_str message)
{
    const struct tarn__live_file *f = file_named(s->lives, message);
    for (const struct tarn__binding *b = s->bindings; b && !f; b = b->next)
        f = file_named(b->lives, message);
    return f;
}

static const struct tarn__live_file *unreadable(struct tarn_session *s, struct tarn_op *op,
                                                const struct tarn__live *list)
{
    for (; list; list = list->next_own) {
        struct tarn_str *paths = tarn_alloc_array(op, list->file_count, sizeof *paths);
        for (size_t i = 0; paths && i < list->file_count; i++)
            paths[i] = list->files[i].local_path;
        size_t at = paths ? tarn__unreadable_file(s->engine, op, paths, list->file_count)
                          : list->file_count;
        if (at < list->file_count)
            return &list->files[at];
    }
    return NULL;
}

/* The file that cannot be read, where the message is of one and names none. */
static const struct tarn__live_file *file_blamed(struct tarn_session *s, struct tarn_op *op,
                                                 const struct said *e)
{
    if (!tarn__is_of_a_file(e->type, e->message))
        return NULL;
    const struct tarn__live_file *f = unreadable(s, op, s->lives);
    for (const struct tarn__binding *b = s->bindings; b && !f; b = b->next)
        f = unreadable(s, op, b->lives);
    bool only = s->lives && s->lives->file_count == 1 && !s->lives->next_own && !s->bindings;
    return !f && only ? &s->lives->files[0] : f;
}

static enum tarn_status status_of(const struct said *e)
{
    for (size_t i = 0; i < sizeof mappings / sizeof mappings[0]; i++)
        if (tarn_str_is(e->type, mappings[i].type))
            return mappings[i].status;
    return TARN_SQL;
}

/* ---- reports */

/* The first lines of a text: a list of all functions is no help. */
static struct tarn_str first_lines(struct tarn_str text)
{
    int lines = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n' && ++lines == DETAIL_LINES)
            return tarn_str_of(text.ptr, i);
    return text;
}

/* First line: message; the rest: detail. */
static void report_lines(struct tarn_op *op, enum tarn_status status, struct tarn_str message)
{
    struct tarn_str first, rest = message;
    (void)tarn_str_cut(&rest, '\n', &first);
    if (!rest.ptr)
        rest = TARN_STR("");
    first = tarn__tidy(op, first);
    rest = tarn_str_trim(rest);
    (void)tarn_fail(op, status, "%.*s", TARN_STR_ARG(first));
    struct tarn_str detail = replaced(op, first_lines(rest), TARN_STR("\t"), TARN_STR("  "));
    if (rest.len > 0)
        tarn_detail(op, "%.*s%s", TARN_STR_ARG(detail),
                    first_lines(rest).len < rest.len ? "\n..." : "");
}

/* A view is no help to the engine: the columns of all tables that the statement reads. */
static void hint_columns(struct tarn_op *op, struct tarn_str name, const struct tarn__text *text)
{
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; text && text->names && i < text->names->count; i++) {
        const struct tarn_type *t = text->names->items[i].relation.schema;
        for (size_t k = 0; t && k < t->field_count && n < sizeof names / sizeof names[0]; k++) {
            struct tarn_str copy = tarn_strdup(op, t->fields[k].name);
            if (copy.ptr)
                names[n++] = copy.ptr;
        }
    }
    const char *near = tarn_str_nearest(name, names, n);
    if (near)
        tarn_hint(op, "did you mean \"%s\"?", near);
}

static bool has_from(const struct tarn__text *text)
{
    struct tarn_sql_token t;
    for (size_t p = 0; text && tarn_sql_token(text->user.sql, p, &t); p = t.end)
        if (tarn_sql_token_is(text->user.sql, &t, "FROM"))
            return true;
    return false;
}

static enum tarn_status report_column(struct tarn_op *op, const struct said *e,
                                      const struct tarn__text *text, struct tarn_str name,
                                      struct tarn_str of)
{
    struct tarn_str list = e->candidates;
    if (of.ptr)
        (void)tarn_fail(op, TARN_COLUMN, "column \"%.*s\" not found in \"%.*s\"",
                        TARN_STR_ARG(name), TARN_STR_ARG(of));
    else
        (void)tarn_fail(op, TARN_COLUMN, "column \"%.*s\" not found", TARN_STR_ARG(name));
    if (!list.ptr) {
        const char *at = memmem(e->message.ptr, e->message.len, "Candidate bindings: ", 20);
        if (at)
            list = tarn_str_of(at + 20, e->message.len - (size_t)(at + 20 - e->message.ptr));
    }
    if (list.ptr)
        hint_candidates(op, name, list);
    else if (contains(e->message, "FROM clause is missing") && !has_from(text))
        tarn_hint(op, "the statement has no FROM");
    else
        hint_columns(op, name, text);
    return TARN_COLUMN;
}

static enum tarn_status report_missing(struct tarn_session *s, struct tarn_op *op,
                                       const struct said *e)
{
    if (tarn_str_is(e->kind, "Table") || tarn_str_is(e->kind, "View"))
        return tarn__fail_table(s, op, (struct tarn_str){NULL, 0}, e->name);
    struct tarn_str kind = e->kind;
    char word[64];
    size_t n = kind.len < sizeof word - 1 ? kind.len : sizeof word - 1;
    for (size_t i = 0; i < n; i++)
        word[i] = (char)tolower((unsigned char)kind.ptr[i]);
    word[n] = '\0';
    if (tarn_str_ends(e->name, TARN_STR("__postfix"))) {
        struct tarn_str sign = tarn_str_of(e->name.ptr, e->name.len - strlen("__postfix"));
        return tarn_fail(op, TARN_SQL, "there is no value behind %.*s", TARN_STR_ARG(sign));
    }
    (void)tarn_fail(op, TARN_SQL, "%s \"%.*s\" not found", word, TARN_STR_ARG(e->name));
    hint_candidates(op, e->name, e->candidates);
    return TARN_SQL;
}

static enum tarn_status report_interrupt(struct tarn_op *op)
{
    enum tarn_status status = tarn_poll(op, 2);
    return status != TARN_OK ? status
                             : tarn_fail(op, TARN_CANCELLED, "the statement was interrupted");
}

static enum tarn_status report_memory(struct tarn_op *op, const struct said *e)
{
    if (contains(e->message, "max_temp_directory_size") || contains(e->message, "No space left"))
        (void)tarn_fail(op, TARN_DISK_FULL, "the temporary folder is full");
    else
        (void)tarn_fail(op, TARN_NOMEM, "the statement needs more memory than the engine's share");
    struct tarn_str rest = e->message, first; /* what follows is advice on settings of the engine */
    (void)tarn_str_cut(&rest, '\n', &first);
    tarn_detail(op, "%.*s", TARN_STR_ARG(first));
    tarn_hint(op, "raise memory_limit, take fewer threads, or read less at once");
    return op->report.status;
}

static enum tarn_status report_file(struct tarn_op *op, const struct said *e,
                                    const struct tarn__live_file *f)
{
    (void)tarn_fail(op, TARN_CORRUPT, "could not read data file \"%.*s\"", TARN_STR_ARG(f->path));
    struct tarn_str text = tarn__tidy(op, e->message);
    tarn_detail(op, "%.*s", TARN_STR_ARG(text));
    return TARN_CORRUPT;
}

static enum tarn_status report_io(struct tarn_op *op, const struct said *e)
{
    enum tarn_status status = TARN_IO;
    if (contains(e->message, "No space left"))
        status = TARN_DISK_FULL;
    else if (contains(e->message, "Permission denied"))
        status = TARN_DENIED;
    else if (contains(e->message, "No such file") || contains(e->message, "No files found"))
        status = TARN_NOT_FOUND;
    report_lines(op, status, e->message);
    return status;
}

static enum tarn_status report(struct tarn_session *s, struct tarn_op *op, const struct said *e,
                               const struct tarn__text *text)
{
    struct tarn_str column = quoted_after(e->message, "does not have a column named \"");
    struct tarn_str table = quoted_after(e->message, "Referenced table \"");
    enum tarn_status status = status_of(e);
    if (status == TARN_CANCELLED)
        return report_interrupt(op);
    if (contains(e->message, TARN__NO_MEMORY))
        return tarn_fail(op, TARN_NOMEM, "could not run the statement: out of memory");
    if (status == TARN_NOMEM)
        return report_memory(op, e);
    if (column.ptr)
        return report_column(op, e, text, column, quoted_after(e->message, " \""));
    if (tarn_str_is(e->subtype, "COLUMN_NOT_FOUND") && e->name.ptr)
        return report_column(op, e, text, e->name, (struct tarn_str){NULL, 0});
    struct tarn_str field = quoted_after(e->message, "Could not find key \"");
    if (field.ptr) {
        (void)tarn_fail(op, TARN_COLUMN, "the struct has no field \"%.*s\"", TARN_STR_ARG(field));
        const char *list = memmem(e->message.ptr, e->message.len, "Candidate Entries: ", 19);
        if (list)
            hint_candidates(
                op, field,
                tarn_str_of(list + 19, (size_t)(e->message.ptr + e->message.len - list - 19)));
        return TARN_COLUMN;
    }
    if (table.ptr)
        return tarn_fail(op, TARN_TABLE, "table \"%.*s\" is not in the FROM clause",
                         TARN_STR_ARG(table));
    if (tarn_str_is(e->subtype, "MISSING_ENTRY") && e->name.ptr)
        return report_missing(s, op, e);
    const struct tarn__live_file *f = file_of_session(s, e->message);
    if (!f)
        f = file_blamed(s, op, e);
    if (f &&
        (status == TARN_IO || status == TARN_DATA || status == TARN_CORRUPT || status == TARN_SQL))
        return report_file(op, e, f);
    if (status == TARN_IO)
        return report_io(op, e);
    report_lines(op, status, e->message);
    return op->report.status;
}

/* A byte of what the user wrote, also where the statement was made out of it. */
static void place_user(struct tarn_op *op, const struct tarn_sql_text *text, size_t at)
{
    struct tarn_sql_text plain = *text;
    plain.sql = text->origin.ptr ? text->origin : text->sql;
    plain.origin = (struct tarn_str){NULL, 0};
    plain.spans = NULL;
    plain.span_count = 0;
    tarn__place(op, &plain, at);
}

/* Where the engine gives no place: at the one word or text of the statement that it speaks of. */
static bool place_quoted(struct tarn_op *op, const struct tarn_sql_text *text)
{
    struct tarn_str message = tarn_str_view(op->report.message), quoted;
    struct tarn_str user = text->origin.ptr ? text->origin : text->sql;
    for (size_t i = 0; i < message.len; i += quoted.len + 2) {
        const char *begin = memchr(message.ptr + i, '"', message.len - i);
        const char *end =
            begin ? memchr(begin + 1, '"', (size_t)(message.ptr + message.len - begin - 1)) : NULL;
        if (!end)
            return false;
        quoted = tarn_str_of(begin + 1, (size_t)(end - begin - 1));
        i = (size_t)(begin - message.ptr);
        struct tarn_sql_token t;
        size_t at = 0, hits = 0;
        for (size_t p = 0; tarn_sql_token(user, p, &t); p = t.end) {
            struct tarn_str word = tarn_str_of(user.ptr + t.begin, t.end - t.begin);
            if (t.kind == TARN_SQL_QUOTED || t.kind == TARN_SQL_STRING)
                word = word.len > 2 ? tarn_str_of(word.ptr + 1, word.len - 2) : word;
            bool inside = t.kind == TARN_SQL_STRING &&
                          memmem(word.ptr, word.len, quoted.ptr, quoted.len) != NULL;
            if (quoted.len == 0 || (!inside && !tarn_str_eq_nocase(word, quoted)))
                continue;
            at = t.begin;
            hits++;
        }
        if (hits != 1)
            continue;
        place_user(op, text, at);
        return true;
    }
    return false;
}

/* Messages that speak of a clause: its first word. */
static bool place_known(struct tarn_op *op, const struct tarn_sql_text *text)
{
    static const char *const known[][2] = {
        {"VALUES lists", "VALUES"},       {"set operations", "UNION"},
        {"set operations", "INTERSECT"},  {"set operations", "EXCEPT"},
        {"UNNEST()", "EXPLODE"},          {"UNNEST()", "UNNEST"},
        {"must appear in the", "HAVING"}, {"could not convert string", "CAST"},
    };
    struct tarn_str user = text->origin.ptr ? text->origin : text->sql;
    struct tarn_sql_token t;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!strstr(op->report.message, known[i][0]))
            continue;
        for (size_t p = 0; tarn_sql_token(user, p, &t); p = t.end)
            if (tarn_sql_token_is(user, &t, known[i][1])) {
                place_user(op, text, t.begin);
                return true;
            }
    }
    return false;
}

enum tarn_status tarn__fail(struct tarn_session *s, struct tarn_op *op, const char *engine_error,
                            const struct tarn__text *text)
{
    struct said e;
    size_t offset;
    said_read(op, engine_error, &e);
    struct tarn_str shown = s->engine->options.catalog_name;
    if (!tarn_str_is(shown, s->catalog))
        e.message = replaced(op, e.message, tarn_str_view(s->catalog), shown);
    enum tarn_status status = report(s, op, &e, text);
    if (text && status != TARN_CANCELLED && status != TARN_TIMEOUT) {
        if (user_offset(text, e.position, &offset))
            tarn__place(op, &text->user, offset);
        else if (!place_quoted(op, &text->user) && !place_known(op, &text->user))
            place_file(op, &text->user);
        tarn_sql_advise(op, &text->user);
    }
    return status;
}

/* ---- tables */

static struct tarn_str last_part(struct tarn_str name)
{
    for (size_t i = name.len; i > 0; i--)
        if (name.ptr[i - 1] == '.')
            return tarn_str_of(name.ptr + i, name.len - i);
    return name;
}

/* The nearest of all names: of whole names first, then by the last part alone ("orders" ->
 * "raw.orders"). */
static const char *nearest_table(struct tarn_session *s, struct tarn_op *op, struct tarn_str full)
{
    struct tarn_str *names = NULL;
    size_t count = 0;
    if (!s->resolver || s->resolver->names(s->resolver, op, &names, &count) != TARN_OK) {
        tarn_clear(op);
        return NULL;
    }
    const char **all = tarn_alloc_array(op, count + 1, sizeof *all);
    const char **last = tarn_alloc_array(op, count + 1, sizeof *last);
    if (!all || !last) {
        tarn_clear(op);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct tarn_str copy = tarn_strdup(op, names[i]);
        all[i] = copy.ptr ? copy.ptr : "";
        last[i] = last_part(tarn_str_view(all[i])).ptr;
    }
    const char *hit = tarn_str_nearest(full, all, count);
    const char *by_last = hit ? NULL : tarn_str_nearest(last_part(full), last, count);
    for (size_t i = 0; by_last && i < count; i++)
        if (last[i] == by_last)
            hit = all[i];
    return hit;
}

enum tarn_status tarn__fail_table(struct tarn_session *s, struct tarn_op *op, struct tarn_str ns,
                                  struct tarn_str name)
{
    struct tarn_str full = name;
    if (ns.ptr)
        full = tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(ns), TARN_STR_ARG(name));
    const char *near = nearest_table(s, op, full);
    (void)tarn_fail(op, TARN_TABLE, "table \"%.*s\" not found", TARN_STR_ARG(full));
    if (near)
        tarn_hint(op, "did you mean \"%s\"?", near);
    return TARN_TABLE;
}
