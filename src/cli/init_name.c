/* init_name: from a file's path to the name of its stream. See init.h.
 *
 * A part of a path is a run of words (letters, digits and bytes above ASCII) between separators.
 * Words that are numbers, dates, ids or months are dropped: they tell files of one stream apart. In
 * the glob they, and what separates them, become "[0-9]*" or "*".
 */
#include <ctype.h>
#include <stdio.h>

#include "cli/init.h"

#define NAME_BYTES_MAX 100
#define PATH_BYTES_MAX 4096

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool one_of(struct tarn_str word, const char *const *words)
{
    for (; *words; words++)
        if (tarn_str_eq_nocase(word, tarn_str_view(*words)))
            return true;
    return false;
}

/* ---- words */

/* 20240131, 20240131T060000Z */
static bool is_number(struct tarn_str w)
{
    bool digits = w.len > 0 && is_digit(w.ptr[0]);
    for (size_t i = 0; i < w.len; i++)
        digits = digits && (is_digit(w.ptr[i]) || strchr("tTzZ", w.ptr[i]));
    return digits;
}

static bool is_hex_id(struct tarn_str w)
{
    bool digit = false;
    for (size_t i = 0; i < w.len; i++) {
        if (!isxdigit((unsigned char)w.ptr[i]))
            return false;
        digit = digit || is_digit(w.ptr[i]);
    }
    return w.len >= 8 && digit;
}

/* v2, p01, q1, h2, w52 */
static bool is_counted(struct tarn_str w)
{
    if (w.len < 2 || w.len > 5 || !strchr("vpqhwVPQHW", w.ptr[0]))
        return false;
    for (size_t i = 1; i < w.len; i++)
        if (!is_digit(w.ptr[i]))
            return false;
    return true;
}

static bool is_month(struct tarn_str w)
{
    static const char *const months[] = {
        "jan",  "feb",  "mar",    "apr",       "jun",     "jul",      "aug",      "sep",
        "sept", "oct",  "nov",    "dec",       "january", "february", "march",    "april",
        "june", "july", "august", "september", "october", "november", "december", NULL};
    return one_of(w, months);
}

/* 8-4-4-4-12 hexadecimal digits */
static bool is_uuid(const char *p, const char *end)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (end - p < (long)sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '-' ? p[i] != '-' : !isxdigit((unsigned char)p[i]))
            return false;
    return p + sizeof form - 1 == end || !is_word(p[sizeof form - 1]);
}

struct part { /* one name between slashes, being read */
    const char *p, *end;
    bool glued, only; /* only: no other word is kept, so months are words */
    struct tarn_buf *words, *glob;
    bool open; /* the glob ends in a dropped run */
    bool word_before;
};

/* Names of files hold no such characters as a rule; '?' fits them. */
static void put_literal(struct part *t, char c)
{
    tarn_buf_put(t->glob, strchr("*?[{", c) ? '?' : c);
}

static void put_dropped(struct part *t, bool digit)
{
    if (!t->open)
        tarn_buf_z(t->glob, digit ? "[0-9]*" : "*");
    t->open = true;
}

/* "OrderLines": order_lines */
static void put_word(struct part *t, struct tarn_str w)
{
    size_t keep = w.len;
    while (!t->glued && keep > 0 && is_digit(w.ptr[keep - 1]))
        keep--;
    if (t->word_before)
        tarn_buf_put(t->words, '_');
    t->word_before = true;
    for (size_t i = 0; i < keep; i++) {
        char c = w.ptr[i];
        if (i > 0 && c >= 'A' && c <= 'Z' && !(w.ptr[i - 1] >= 'A' && w.ptr[i - 1] <= 'Z'))
            tarn_buf_put(t->words, '_');
        tarn_buf_put(t->words, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
        put_literal(t, c);
    }
    t->open = false;
    if (keep < w.len)
        put_dropped(t, true);
}

static struct tarn_str next_word(const char *p, const char *end)
{
    const char *begin = p;
    if (is_uuid(p, end))
        return tarn_str_of(p, 36);
    while (p < end && is_word(*p))
        p++;
    return tarn_str_of(begin, (size_t)(p - begin));
}

static bool is_dropped(const struct part *t, struct tarn_str w)
{
    return is_number(w) || is_hex_id(w) || is_counted(w) || is_uuid(w.ptr, w.ptr + w.len) ||
           (is_month(w) && !t->only);
}

/* Does a run of dropped words go on behind the separators at p? Then they belong to it. */
static bool dropped_follows(const struct part *t, const char *p)
{
    while (p < t->end && !is_word(*p))
        p++;
    return p < t->end && is_dropped(t, next_word(p, t->end));
}

static void read_words(struct part *t)
{
    while (t->p < t->end) {
        if (!is_word(*t->p)) {
            if (!t->open || !dropped_follows(t, t->p)) {
                put_literal(t, *t->p);
                t->open = false;
            }
            t->p++;
            continue;
        }
        struct tarn_str w = next_word(t->p, t->end);
        if (is_dropped(t, w))
            put_dropped(t, is_digit(w.ptr[0]));
        else
            put_word(t, w);
        t->p += w.len;
    }
}

/* Appends to words and glob. year=2024 is one of many by its form. */
static void read_part(struct tarn_str text, bool glued, struct tarn_buf *words,
                      struct tarn_buf *glob)
{
    if (text.len > 0 && memchr(text.ptr, '=', text.len)) {
        tarn_buf_put(glob, '*');
        return;
    }
    struct part t = {.glued = glued, .words = words, .glob = glob};
    t.word_before = words->len > 0;
    bool kept = false;
    for (const char *p = text.ptr, *end = p + text.len; p < end;) {
        struct tarn_str w = next_word(p, end);
        kept = kept || (w.len > 0 && !is_dropped(&t, w));
        p += w.len ? w.len : 1;
    }
    t.only = !kept;
    t.p = text.ptr;
    t.end = text.ptr + text.len;
    read_words(&t);
}

/* ---- paths */

static const struct {
    const char *ending;
    enum tarn_file_format family;
} endings[] = {
    {"json", TARN_FILE_JSON},  {"ndjson", TARN_FILE_JSON},     {"jsonl", TARN_FILE_JSON},
    {"ejson", TARN_FILE_JSON}, {"csv", TARN_FILE_CSV},         {"tsv", TARN_FILE_CSV},
    {"psv", TARN_FILE_CSV},    {"parquet", TARN_FILE_PARQUET},
};

/* The last ending of a name, cut off; empty if there is none. */
static struct tarn_str cut_ending(struct tarn_str *name)
{
    const char *dot = name->len > 0 ? memrchr(name->ptr, '.', name->len) : NULL;
    if (!dot || dot == name->ptr)
        return TARN_STR("");
    struct tarn_str ending = tarn_str_of(dot + 1, (size_t)(name->ptr + name->len - dot - 1));
    name->len = (size_t)(dot - name->ptr);
    return ending;
}

static void read_ending(struct tarn_str *stem, struct tarn__init_name *out)
{
    const char *end = stem->ptr + stem->len;
    struct tarn_str ending = cut_ending(stem);
    if (tarn_str_eq_nocase(ending, TARN_STR("gz")) || tarn_str_eq_nocase(ending, TARN_STR("zst")))
        ending = cut_ending(stem);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (tarn_str_eq_nocase(ending, tarn_str_view(endings[i].ending))) {
            out->family = endings[i].family;
            out->known = true;
        }
    const char *begin = stem->ptr + stem->len;
    out->ending = begin < end ? tarn_str_of(begin + 1, (size_t)(end - begin - 1)) : TARN_STR("");
}

/* Words that name no stream where a folder above does. */
static bool is_generic(struct tarn_str stem)
{
    static const char *const words[] = {"part",  "parts",    "data",   "file",          "export",
                                        "chunk", "batch",    "page",   "records",       "output",
                                        "dump",  "snapshot", "part_c", "part_c_snappy", /* Spark's
                                                                      part-00000-<id>-c000.snappy */
                                        NULL};
    return stem.len == 0 || one_of(stem, words);
}

enum tarn_status tarn__init_name(struct tarn_op *op, struct tarn_str path, bool glued,
                                 struct tarn__init_name *out)
{
    struct tarn_buf folder, stem, glob;
    struct tarn_str part, rest = path;
    *out = (struct tarn__init_name){.ending = TARN_STR(""), .below = TARN_STR("")};
    tarn_buf_init(&folder, PATH_BYTES_MAX * 2);
    tarn_buf_init(&stem, PATH_BYTES_MAX * 2);
    tarn_buf_init(&glob, PATH_BYTES_MAX * 8);
    size_t below = 0;
    while (tarn_str_cut(&rest, '/', &part)) {
        size_t words = folder.len;
        read_part(part, true, &folder, &glob);
        tarn_buf_put(&glob, '/');
        if (folder.len > words)
            below = glob.len;
    }
    out->below = tarn_sprintf(op, "%.*s", (int)below, tarn_buf_view(&glob).ptr);
    read_ending(&part, out);
    read_part(part, glued, &stem, &glob);
    if (out->ending.len > 0)
        tarn_buf_put(&glob, '.');
    for (size_t i = 0; i < out->ending.len; i++)
        tarn_buf_put(&glob, strchr("*?[{", out->ending.ptr[i]) ? '?' : out->ending.ptr[i]);
    enum tarn_status status = (enum tarn_status)tarn_buf_take(op, &folder, "name", &out->folder);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_take(op, &stem, "name", &out->stem);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_take(op, &glob, "glob", &out->glob);
    tarn_buf_release(&folder);
    tarn_buf_release(&stem);
    tarn_buf_release(&glob);
    if (status == TARN_OK && out->folder.len > 0 && is_generic(out->stem))
        out->stem = TARN_STR("");
    return status == TARN_OK && !out->below.ptr ? TARN_NOMEM : status;
}

struct tarn_str tarn__init_join(struct tarn_op *op, struct tarn_str folder, struct tarn_str stem)
{
    if (folder.len == 0 || stem.len == 0)
        return folder.len == 0 ? stem : folder;
    for (size_t i = folder.len + 1; i-- > 0;) { /* each tail of the folder's words */
        if (i > 0 && folder.ptr[i - 1] != '_')
            continue;
        struct tarn_str tail = tarn_str_of(folder.ptr + i, folder.len - i);
        if (tail.len > 0 && tarn_str_starts(stem, tail) &&
            (stem.len == tail.len || stem.ptr[tail.len] == '_'))
            return tarn_sprintf(op, "%.*s%.*s", (int)i, folder.ptr, TARN_STR_ARG(stem));
    }
    return tarn_sprintf(op, "%.*s_%.*s", TARN_STR_ARG(folder), TARN_STR_ARG(stem));
}

struct tarn_str tarn__init_word(struct tarn_op *op, struct tarn_str text, const char *otherwise)
{
    char out[NAME_BYTES_MAX + 8];
    size_t n = 0;
    if (text.len > 0 && is_digit(text.ptr[0])) {
        memcpy(out, "t_", 2);
        n = 2;
    }
    for (size_t i = 0; i < text.len && n < NAME_BYTES_MAX; i++) {
        char c = text.ptr[i];
        if (is_word(c))
            out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        else if (n > 0 && out[n - 1] != '_')
            out[n++] = '_';
    }
    while (n > 0 && (out[n - 1] == '_' || !tarn_utf8_valid(tarn_str_of(out, n))))
        n--; /* also a character that the limit has cut */
    return n > 0 ? tarn_strdup(op, tarn_str_of(out, n)) : tarn_sprintf(op, "%s", otherwise);
}

/* ---- money */

bool tarn__init_is_money(struct tarn_str column)
{
    static const char *const words[] = {
        "amount",   "amt",      "price",   "cost",    "costs",      "total",   "subtotal",
        "tax",      "vat",      "debit",   "credit",  "balance",    "fee",     "fees",
        "discount", "payment",  "paid",    "net",     "gross",      "revenue", "salary",
        "charge",   "charges",  "refund",  "invoice", "commission", "budget",  "profit",
        "margin",   "turnover", "deposit", "money",   NULL};
    struct tarn_buf lower, glob;
    tarn_buf_init(&lower, PATH_BYTES_MAX);
    tarn_buf_init(&glob, PATH_BYTES_MAX * 4);
    read_part(column, false, &lower, &glob);
    struct tarn_str rest = tarn_buf_view(&lower), word;
    bool found = false, more = !lower.failed;
    while (more && !found) {
        more = tarn_str_cut(&rest, '_', &word);
        found = one_of(word, words);
    }
    tarn_buf_release(&lower);
    tarn_buf_release(&glob);
    return found;
}
