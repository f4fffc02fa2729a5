/* init_sniff: what the first bytes of a file say about how to read it. See init.h.
 *
 * A guess that is wrong is seen in the table that init prints, and is one word in tarn.yaml; so
 * plain rules are better than clever ones.
 */
#include "base/json.h"
#include "cli/init.h"

#define RECORDS_MAX 20
#define FIELDS_MAX  512

static struct tarn_str without_bom(struct tarn_str s)
{
    return tarn_str_starts(s, TARN_STR("\xEF\xBB\xBF")) ? tarn_str_of(s.ptr + 3, s.len - 3) : s;
}

static bool is_utf16(struct tarn_str s)
{
    return tarn_str_starts(s, TARN_STR("\xFF\xFE")) || tarn_str_starts(s, TARN_STR("\xFE\xFF"));
}

static char first_char(struct tarn_str s)
{
    s = tarn_str_trim(without_bom(s));
    return s.len > 0 ? s.ptr[0] : 0;
}

enum tarn_file_format tarn__init_family(struct tarn_str head)
{
    char c = first_char(head);
    if (tarn_str_starts(head, TARN_STR("PAR1")))
        return TARN_FILE_PARQUET;
    return c == '{' || c == '[' ? TARN_FILE_JSON : TARN_FILE_CSV;
}

/* ---- JSON */

/* Is one of Extended JSON's words a key? In a text the quotes would stand behind backslashes. */
static bool has_ejson(struct tarn_str s)
{
    static const char *const words[] = {"oid",
                                        "date",
                                        "numberLong",
                                        "numberInt",
                                        "numberDecimal",
                                        "numberDouble",
                                        "binary",
                                        "uuid",
                                        "timestamp",
                                        "regularExpression",
                                        NULL};
    const char *p = s.ptr, *end = s.ptr + s.len;
    while (p < end && (p = memmem(p, (size_t)(end - p), "\"$", 2)) != NULL) {
        p += 2;
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (!quote)
            return false;
        struct tarn_str word = tarn_str_of(p, (size_t)(quote - p));
        struct tarn_str rest = tarn_str_trim(tarn_str_of(quote + 1, (size_t)(end - quote - 1)));
        for (const char *const *w = words; *w; w++)
            if (tarn_str_is(word, *w) && rest.len > 0 && rest.ptr[0] == ':')
                return true;
    }
    return false;
}

/* One document, as far as can be seen: not an array, and nothing behind it. */
static bool is_single(struct tarn_str s)
{
    struct tarn_json_reader r;
    tarn_json_reader_init(&r, s, 0);
    if (tarn_json_next(&r) != TARN_JSON_OBJECT_BEGIN)
        return false;
    enum tarn_json_token t;
    do
        t = tarn_json_next(&r);
    while (t != TARN_JSON_END && t != TARN_JSON_ERROR && r.depth > 0);
    return t == TARN_JSON_ERROR || tarn_json_next(&r) == TARN_JSON_END;
}

/* ---- CSV */

struct record { /* one row's fields, as far as they are kept */
    struct tarn_str fields[FIELDS_MAX];
    bool quoted[FIELDS_MAX];
    size_t count;
};

/* Reads a row at p; NULL: it does not end before `end`. */
static const char *read_record(const char *p, const char *end, char delimiter, struct record *out)
{
    out->count = 0;
    for (;;) {
        bool quoted = p < end && *p == '"';
        const char *begin = p + quoted;
        if (quoted) {
            for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++)
                p += *p == '"';
            if (p >= end)
                return NULL;
        }
        const char *close = p;
        while (p < end && *p != delimiter && *p != '\n')
            p++;
        if (out->count < FIELDS_MAX) {
            out->fields[out->count] = tarn_str_of(begin, (size_t)((quoted ? close : p) - begin));
            out->quoted[out->count] = quoted;
        }
        out->count++;
        if (p >= end)
            return NULL;
        if (*p++ == '\n')
            return p;
    }
}

/* How well a delimiter cuts the text: 0 = not at all; all rows into equally many fields is best. */
static size_t score(struct tarn_str s, char delimiter, struct record *r)
{
    const char *p = s.ptr, *end = s.ptr + s.len;
    size_t fields = 0, rows = 0, alike = 0;
    while (rows < RECORDS_MAX && (p = read_record(p, end, delimiter, r)) != NULL) {
        if (rows == 0)
            fields = r->count;
        alike += r->count == fields;
        rows++;
    }
    if (fields < 2)
        return 0;
    return (alike == rows ? 1000000 : alike * 1000) + (fields < 999 ? fields : 999);
}

static char find_delimiter(struct tarn_str s, struct record *r)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    char best = ',';
    size_t best_score = 0;
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t n = score(s, candidates[i], r);
        if (n > best_score) {
            best = candidates[i];
            best_score = n;
        }
    }
    return best;
}

static bool is_number(struct tarn_str s)
{
    double d;
    s = tarn_str_trim(s);
    return s.len > 0 && !strchr("iInN", s.ptr[0]) && tarn_str_to_double(s, &d);
}

static bool is_year(struct tarn_str s)
{
    int64_t n;
    return tarn_str_to_i64(tarn_str_trim(s), &n) && n >= 1900 && n <= 2100;
}

/* Without a header the first row has numbers where the second has them. Years may well be names of
 * columns. */
static bool lacks_header(struct tarn_str s, char delimiter, struct record *r)
{
    unsigned char number[FIELDS_MAX];
    size_t numbers = 0, years = 0;
    const char *p = read_record(s.ptr, s.ptr + s.len, delimiter, r);
    size_t count = r->count < FIELDS_MAX ? r->count : FIELDS_MAX;
    if (!p)
        return false;
    for (size_t i = 0; i < count; i++) {
        number[i] = !r->quoted[i] && is_number(r->fields[i]);
        numbers += number[i];
        years += number[i] && is_year(r->fields[i]);
    }
    if (numbers == 0 || years == numbers)
        return false;
    size_t all = r->count;
    p = read_record(p, s.ptr + s.len, delimiter, r);
    for (size_t i = 0; p && i < count && i < r->count; i++)
        if (number[i] != (!r->quoted[i] && is_number(r->fields[i])) && r->fields[i].len > 0)
            return false;
    return !p || all == r->count;
}

/* Bytes that are no UTF-8, a character cut off by the end of the head aside. */
static bool is_legacy(struct tarn_str s, bool whole)
{
    for (size_t cut = 0; cut < 4 && cut <= s.len; cut++) {
        if (tarn_utf8_valid(tarn_str_of(s.ptr, s.len - cut)))
            return false;
        if (whole)
            break;
    }
    return true;
}

/* Every second byte of UTF-16 in Latin script is its ASCII: enough to find delimiters. In place of
 * the text. */
static struct tarn_str narrow(struct tarn_str s, char *dst, size_t cap)
{
    size_t n = 0;
    for (size_t i = s.ptr[0] == '\xFF' ? 2 : 3; i < s.len && n < cap; i += 2)
        dst[n++] = s.ptr[i];
    return tarn_str_of(dst, n);
}

static void sniff_csv(struct tarn_str head, bool whole, struct tarn__init_sniff *out)
{
    char narrowed[16384];
    struct record r;
    struct tarn_str s = without_bom(head);
    if (is_utf16(head)) {
        out->encoding = "utf-16";
        s = narrow(head, narrowed, sizeof narrowed - 1);
    } else if (is_legacy(s, whole)) {
        out->encoding = "windows-1252";
    }
    if (whole && s.len > 0 && s.ptr[s.len - 1] != '\n' && s.len < sizeof narrowed) {
        memmove(narrowed, s.ptr, s.len); /* the last row has no end of its own */
        narrowed[s.len] = '\n';
        s = tarn_str_of(narrowed, s.len + 1);
    }
    out->delimiter = find_delimiter(s, &r);
    out->no_header = lacks_header(s, out->delimiter, &r);
}

void tarn__init_sniff(struct tarn_str head, enum tarn_file_format family, bool whole,
                      struct tarn__init_sniff *out)
{
    *out = (struct tarn__init_sniff){.format = family, .delimiter = ','};
    if (family != TARN_FILE_PARQUET && tarn_str_trim(without_bom(head)).len == 0)
        return;
    out->known = true;
    if (family == TARN_FILE_CSV) {
        sniff_csv(head, whole, out);
    } else if (family == TARN_FILE_JSON) {
        out->format = has_ejson(head) ? TARN_FILE_EJSON : TARN_FILE_JSON;
        out->single = is_single(without_bom(head));
    }
}
