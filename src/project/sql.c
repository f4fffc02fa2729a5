/* sql: the parts of a .sql file of the project, found without parsing SQL: comments, quoted texts,
 * the rest.
 *
 * The header is a block comment whose first word is "tarn", before anything but white space and
 * line comments:
 *
 *     / * tarn
 *     kind: merge
 *     * /
 *     select ...
 *
 * Block comments nest, as they do for the engine; a header ends where the engine sees its end.
 */
#include "project/project_int.h"

#include <ctype.h>

enum piece_kind {
    PIECE_END,
    PIECE_SPACE,
    PIECE_LINE_COMMENT,
    PIECE_BLOCK_COMMENT,
    PIECE_QUOTED,
    PIECE_OTHER
};

struct piece {
    enum piece_kind kind;
    size_t begin, end;
    bool closed; /* of comments and quotes */
};

struct scan {
    struct tarn_str text;
    size_t at;
};

/* ---- pieces */

static bool looking_at(const struct scan *s, size_t at, const char *z)
{
    size_t n = strlen(z);
    return s->text.len - at >= n && memcmp(s->text.ptr + at, z, n) == 0;
}

static size_t block_comment_end(const struct scan *s, size_t at, bool *closed)
{
    int depth = 0;
    while (at < s->text.len) {
        if (looking_at(s, at, "/*")) {
            depth++;
            at += 2;
        } else if (looking_at(s, at, "*/")) {
            at += 2;
            if (--depth == 0) {
                *closed = true;
                return at;
            }
        } else {
            at++;
        }
    }
    return at;
}

static size_t quoted_end(const struct scan *s, size_t at, bool backslashes, bool *closed)
{
    char quote = s->text.ptr[at++];
    while (at < s->text.len) {
        char c = s->text.ptr[at++];
        if (c == '\\' && backslashes && at < s->text.len) {
            at++;
        } else if (c == quote) {
            if (at == s->text.len || s->text.ptr[at] != quote) {
                *closed = true;
                return at;
            }
            at++;
        }
    }
    return at;
}

/* The length of "$tag$" at `at`, 0 if there is none. */
static size_t dollar_tag(const struct scan *s, size_t at)
{
    size_t n = at + 1;
    while (n < s->text.len && (isalnum((unsigned char)s->text.ptr[n]) || s->text.ptr[n] == '_'))
        n++;
    if (n == s->text.len || s->text.ptr[n] != '$' ||
        (n > at + 1 && isdigit((unsigned char)s->text.ptr[at + 1])))
        return 0;
    return n + 1 - at;
}

static size_t dollar_end(const struct scan *s, size_t at, size_t tag, bool *closed)
{
    const char *body = s->text.ptr + at + tag;
    const char *end = memmem(body, s->text.len - at - tag, s->text.ptr + at, tag);
    *closed = end != NULL;
    return end ? (size_t)(end - s->text.ptr) + tag : s->text.len;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Is the quote at `at` that of an escape text, e'...'? */
static bool is_escape_text(const struct scan *s, size_t at)
{
    if (at == 0 || (s->text.ptr[at - 1] | 0x20) != 'e')
        return false;
    return at == 1 || !is_word(s->text.ptr[at - 2]);
}

static struct piece next_piece(struct scan *s)
{
    struct piece p = {.kind = PIECE_OTHER, .begin = s->at, .end = s->at + 1};
    if (s->at >= s->text.len) {
        p.kind = PIECE_END;
        p.end = p.begin;
        return p;
    }
    char c = s->text.ptr[s->at];
    size_t tag =
        c == '$' && (s->at == 0 || !is_word(s->text.ptr[s->at - 1])) ? dollar_tag(s, s->at) : 0;
    if (isspace((unsigned char)c)) {
        p.kind = PIECE_SPACE;
    } else if (looking_at(s, s->at, "--")) {
        const char *newline = memchr(s->text.ptr + s->at, '\n', s->text.len - s->at);
        p.kind = PIECE_LINE_COMMENT;
        p.end = newline ? (size_t)(newline - s->text.ptr) : s->text.len;
        p.closed = true;
    } else if (looking_at(s, s->at, "/*")) {
        p.kind = PIECE_BLOCK_COMMENT;
        p.end = block_comment_end(s, s->at, &p.closed);
    } else if (c == '\'' || c == '"') {
        p.kind = PIECE_QUOTED;
        p.end = quoted_end(s, s->at, c == '\'' && is_escape_text(s, s->at), &p.closed);
    } else if (tag) {
        p.kind = PIECE_QUOTED;
        p.end = dollar_end(s, s->at, tag, &p.closed);
    }
    s->at = p.end;
    return p;
}

/* ---- the header */

/* Is the block comment a header? *out_begin: behind the word "tarn". */
static bool is_header(struct tarn_str text, const struct piece *p, size_t *out_begin)
{
    size_t at = p->begin + 2;
    while (at < p->end && isspace((unsigned char)text.ptr[at]))
        at++;
    if (p->end - at < 4 || memcmp(text.ptr + at, "tarn", 4) != 0)
        return false;
    at += 4;
    *out_begin = at;
    return at == p->end || isspace((unsigned char)text.ptr[at]) || text.ptr[at] == '*';
}

static enum tarn_status fail_at(struct tarn_op *op, const struct tarn__file *file, size_t offset,
                                const char *fmt, ...) TARN_PRINTF(4, 5);
static enum tarn_status fail_at(struct tarn_op *op, const struct tarn__file *file, size_t offset,
                                const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(op, TARN_MODEL, fmt, ap);
    va_end(ap);
    tarn_place_offset(op, file->shown.ptr, file->text, offset);
    return TARN_MODEL;
}

/* Passes over white space, line comments and the header; s->at is then the query's beginning. */
static enum tarn_status take_header(struct tarn_op *op, const struct tarn__file *file,
                                    struct scan *s, struct tarn__sql_file *out)
{
    for (;;) {
        struct scan before = *s;
        struct piece p = next_piece(s);
        if (p.kind == PIECE_SPACE || p.kind == PIECE_LINE_COMMENT)
            continue;
        size_t begin;
        if (p.kind != PIECE_BLOCK_COMMENT || !is_header(file->text, &p, &begin)) {
            s->at = before.at;
            return TARN_OK;
        }
        if (!p.closed)
            return fail_at(op, file, p.begin, "the comment with the header is not closed");
        out->has_header = true;
        out->header_begin = begin;
        out->header_end = p.end - 2;
        return TARN_OK;
    }
}

enum tarn_status tarn__sql_header(struct tarn_op *op, const struct tarn__file *file,
                                  const struct tarn__sql_file *parts, struct tarn_yaml **out)
{
    struct tarn_yaml_source source = {.file = file->shown,
                                      .text = file->text,
                                      .begin = parts->header_begin,
                                      .end = parts->header_end,
                                      .status = TARN_MODEL};
    return tarn_yaml_load(op, &source, out);
}

/* ---- Jinja */

/* The words of dbt's templates. A struct inside a struct may begin with the same two braces. */
static bool is_jinja(const struct scan *s, size_t at)
{
    if (looking_at(s, at, "{%") || looking_at(s, at, "{#"))
        return true;
    if (!looking_at(s, at, "{{"))
        return false;
    at += 2;
    while (at < s->text.len && (isspace((unsigned char)s->text.ptr[at]) || s->text.ptr[at] == '-'))
        at++;
    if (at == s->text.len || !is_word(s->text.ptr[at]))
        return false;
    while (at < s->text.len && is_word(s->text.ptr[at]))
        at++;
    while (at < s->text.len && isspace((unsigned char)s->text.ptr[at]))
        at++;
    return at == s->text.len || s->text.ptr[at] != ':';
}

/* The quoted texts of a template's call, at most two: ref('a'), source("a", "b"). */
static size_t quoted_words(struct tarn_str call, struct tarn_str out[2])
{
    size_t count = 0;
    for (size_t i = 0; i < call.len && count < 2; i++) {
        char quote = call.ptr[i];
        if (quote != '\'' && quote != '"')
            continue;
        const char *end = memchr(call.ptr + i + 1, quote, call.len - i - 1);
        if (!end)
            break;
        out[count++] = tarn_str_of(call.ptr + i + 1, (size_t)(end - call.ptr) - i - 1);
        i = (size_t)(end - call.ptr);
    }
    return count;
}

static enum tarn_status fail_jinja(struct tarn_op *op, const struct tarn__file *file, size_t at)
{
    static const char *const closing[] = {"}}", "%}", "#}"};
    const char *open = file->text.ptr + at;
    size_t left = file->text.len - at;
    const char *close = memmem(open, left, closing[open[1] == '%' ? 1 : open[1] == '#' ? 2 : 0], 2);
    const char *newline = memchr(open, '\n', left);
    size_t len = newline ? (size_t)(newline - open) : left;
    if (close && (size_t)(close - open) + 2 < len)
        len = (size_t)(close - open) + 2;
    struct tarn_str call = tarn_str_of(open, len < 100 ? len : 100), words[2];
    (void)fail_at(op, file, at, "\"%.*s\" is a template: write plain table names, no Jinja",
                  TARN_STR_ARG(call));
    size_t count = quoted_words(call, words);
    if (memmem(call.ptr, call.len, "config", 6))
        tarn_hint(op, "options stand in a comment at the top of the file, as YAML: /* tarn ... */");
    else if (count == 2)
        tarn_hint(op, "write %.*s.%.*s", TARN_STR_ARG(words[0]), TARN_STR_ARG(words[1]));
    else if (count == 1)
        tarn_hint(op, "write %.*s, or namespace.%.*s; the graph is read out of the SQL itself",
                  TARN_STR_ARG(words[0]), TARN_STR_ARG(words[0]));
    return TARN_MODEL;
}

/* ---- the query */

struct query {
    bool any;         /* anything but space and comments */
    size_t semicolon; /* of the last one, when nothing follows it; else SIZE_MAX */
};

/* Looks over what follows the header. */
static enum tarn_status check_query(struct tarn_op *op, const struct tarn__file *file,
                                    struct scan s, struct query *out)
{
    size_t ignored;
    *out = (struct query){false, SIZE_MAX};
    for (;;) {
        struct piece p = next_piece(&s);
        switch (p.kind) {
        case PIECE_END:
            return TARN_OK;
        case PIECE_SPACE:
        case PIECE_LINE_COMMENT:
            continue;
        case PIECE_BLOCK_COMMENT:
            if (!p.closed)
                return fail_at(op, file, p.begin, "the comment is not closed");
            if (is_header(file->text, &p, &ignored))
                return fail_at(op, file, p.begin,
                               "the header must stand at the top of the file, once");
            continue;
        case PIECE_QUOTED:
            if (!p.closed)
                return fail_at(op, file, p.begin, "the quoted text is not closed");
            break;
        case PIECE_OTHER:
            if (is_jinja(&s, p.begin))
                return fail_jinja(op, file, p.begin);
            break;
        }
        bool semicolon = p.kind == PIECE_OTHER && file->text.ptr[p.begin] == ';';
        if (semicolon && !out->any)
            return fail_at(op, file, p.begin, "expected a SELECT before \";\"");
        out->any = true;
        out->semicolon = semicolon ? p.begin : SIZE_MAX;
    }
}

/* The query from `begin` to `end`, so that its lines and columns are the file's: blank lines are
 * left away, and the line that the header ends in is padded. */
static enum tarn_status cut_query(struct tarn_op *op, const struct tarn__file *file, size_t begin,
                                  size_t end, struct tarn__sql_file *out)
{
    const char *text = file->text.ptr;
    while (end > begin && isspace((unsigned char)text[end - 1]))
        end--;
    while (begin < end && isspace((unsigned char)text[begin]))
        begin++;
    size_t line_begin = begin, pad = 0;
    while (line_begin > 0 && text[line_begin - 1] != '\n')
        line_begin--;
    for (size_t i = line_begin; i < begin; i++)
        pad += ((unsigned char)text[i] & 0xC0) != 0x80;
    char *sql = tarn_alloc(op, pad + (end - begin) + 1);
    if (!sql)
        return TARN_NOMEM;
    memset(sql, ' ', pad);
    memcpy(sql + pad, text + begin, end - begin);
    out->sql = tarn_str_of(sql, pad + (end - begin));
    out->sql_line = 1;
    for (size_t i = 0; i < line_begin; i++)
        out->sql_line += text[i] == '\n';
    return TARN_OK;
}

enum tarn_status tarn__sql_split(struct tarn_op *op, const struct tarn__file *file,
                                 const char *what, struct tarn__sql_file *out)
{
    struct scan s = {file->text, tarn_str_starts(file->text, TARN_STR("\xEF\xBB\xBF")) ? 3 : 0};
    struct query query;
    *out = (struct tarn__sql_file){0};
    TARN_TRY(take_header(op, file, &s, out));
    TARN_TRY(check_query(op, file, s, &query));
    if (!query.any)
        return fail_at(op, file, file->text.len, "the %s has no SELECT", what);
    size_t end = query.semicolon == SIZE_MAX ? file->text.len : query.semicolon;
    return cut_query(op, file, s.at, end, out);
}
