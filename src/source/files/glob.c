/* glob: patterns over paths below a folder, segment by segment. */
#include "source/source_int.h"

#define CHOICES_MAX \
    256 /* combinations of the braces of one glob, which bounds the time of a match */
#define GLOB_BYTES_MAX 1024

/* ---- one segment against one name: '*', '?', [..], {a,b} */

static bool match_here(struct tarn_str g, struct tarn_str s);

/* The place of the ']' that closes the bracket at g[0], 0 if none. */
static size_t bracket_end(struct tarn_str g)
{
    size_t i = 1;
    if (i < g.len && (g.ptr[i] == '!' || g.ptr[i] == '^'))
        i++;
    if (i < g.len && g.ptr[i] == ']')
        i++;
    while (i < g.len && g.ptr[i] != ']')
        i++;
    return i < g.len ? i : 0;
}

static bool bracket_holds(struct tarn_str g, size_t end, char c)
{
    bool negated = g.ptr[1] == '!' || g.ptr[1] == '^', found = false;
    for (size_t i = 1 + negated; i < end; i++) {
        char low = g.ptr[i], high = low;
        if (i + 2 < end && g.ptr[i + 1] == '-') {
            high = g.ptr[i + 2];
            i += 2;
        }
        found = found ||
                ((unsigned char)c >= (unsigned char)low && (unsigned char)c <= (unsigned char)high);
    }
    return found != negated;
}

/* The place of the '}' that closes the brace at g[0], 0 if none. Braces do not nest. */
static size_t brace_end(struct tarn_str g)
{
    const char *end = g.len ? memchr(g.ptr, '}', g.len) : NULL;
    return end ? (size_t)(end - g.ptr) : 0;
}

static struct tarn_str rest_of(struct tarn_str s, size_t n)
{
    return tarn_str_of(s.ptr + n, s.len - n);
}

static bool match_brace(struct tarn_str g, size_t end, struct tarn_str s)
{
    char chosen[GLOB_BYTES_MAX]; /* the choice and what follows the brace */
    struct tarn_str choices = tarn_str_of(g.ptr + 1, end - 1), choice, rest = rest_of(g, end + 1);
    bool more;
    do {
        more = tarn_str_cut(&choices, ',', &choice);
        if (choice.len + rest.len > sizeof chosen)
            return false; /* tarn__glob_check refuses globs as long as that */
        memcpy(chosen, choice.ptr, choice.len);
        memcpy(chosen + choice.len, rest.ptr, rest.len);
        if (match_here(tarn_str_of(chosen, choice.len + rest.len), s))
            return true;
    } while (more);
    return false;
}

static bool match_here(struct tarn_str g, struct tarn_str s)
{
    struct tarn_str star_g = {NULL, 0}, star_s = {NULL, 0};
    for (;;) {
        size_t end = 0;
        bool ok = false;
        if (g.len > 0 && *g.ptr == '*') {
            star_g = g = rest_of(g, 1);
            star_s = s;
            continue;
        }
        if (g.len == 0) {
            ok = s.len == 0;
            if (ok)
                return true;
        } else if (*g.ptr == '{' && (end = brace_end(g)) > 0) {
            if (match_brace(g, end, s))
                return true;
        } else if (s.len > 0 && *g.ptr == '[' && (end = bracket_end(g)) > 0) {
            ok = bracket_holds(g, end, *s.ptr);
        } else {
            ok = s.len > 0 && (*g.ptr == '?' || *g.ptr == *s.ptr);
        }
        if (ok) {
            g = rest_of(g, end + 1);
            s = rest_of(s, 1);
        } else if (star_g.ptr && star_s.len > 0) { /* the last star takes one byte more */
            star_s = s = rest_of(star_s, 1);
            g = star_g;
        } else {
            return false;
        }
    }
}

/* ---- paths */

static bool cut_segment(struct tarn_str *path, struct tarn_str *out)
{
    if (!path->ptr)
        return false;
    (void)tarn_str_cut(path, '/', out);
    return true;
}

/* partial: the path is a folder, and more may follow below it. */
static bool match_path(struct tarn_str glob, struct tarn_str path, bool partial)
{
    struct tarn_str pattern, name, rest = path;
    if (!cut_segment(&glob, &pattern))
        return !path.ptr;
    if (tarn_str_is(pattern, "**")) {
        if (partial)
            return true;
        for (struct tarn_str at = path; at.ptr; (void)cut_segment(&at, &name))
            if (match_path(glob, at, false))
                return true;
        return !glob.ptr;
    }
    if (!cut_segment(&rest, &name))
        return partial;
    return match_here(pattern, name) && match_path(glob, rest, partial);
}

bool tarn__glob_match(struct tarn_str glob, struct tarn_str path)
{
    return match_path(glob, path, false);
}

bool tarn__glob_may_enter(struct tarn_str glob, struct tarn_str folder)
{
    return match_path(glob, folder, true);
}

static size_t choices_of(struct tarn_str brace)
{
    size_t n = 1, end = brace_end(brace);
    for (size_t i = 0; i < end; i++)
        n += brace.ptr[i] == ',';
    return n;
}

enum tarn_status tarn__glob_check(struct tarn_op *op, struct tarn_str glob)
{
    struct tarn_str rest = glob, segment;
    size_t combinations = 1;
    if (glob.len > GLOB_BYTES_MAX)
        return tarn_fail(op, TARN_CONFIG, "a glob is longer than %d bytes", GLOB_BYTES_MAX);
    if (glob.len == 0 || glob.ptr[0] == '/')
        return tarn_fail(op, TARN_CONFIG, "\"%.*s\" must be a path below the source's folder",
                         TARN_STR_ARG(glob));
    while (cut_segment(&rest, &segment)) {
        if (tarn_str_is(segment, ".."))
            return tarn_fail(op, TARN_CONFIG, "\"%.*s\" leaves the source's folder",
                             TARN_STR_ARG(glob));
        for (size_t i = 0; i < segment.len; i++) {
            struct tarn_str at = rest_of(segment, i);
            if ((*at.ptr == '{' && brace_end(at) == 0) || (*at.ptr == '[' && bracket_end(at) == 0))
                return tarn_fail(op, TARN_CONFIG, "'%c' is not closed in \"%.*s\"", *at.ptr,
                                 TARN_STR_ARG(glob));
            if (*at.ptr == '{')
                combinations *= choices_of(at);
            if (combinations > CHOICES_MAX)
                return tarn_fail(op, TARN_CONFIG, "\"%.*s\" has more than %d choices",
                                 TARN_STR_ARG(glob), CHOICES_MAX);
        }
    }
    return TARN_OK;
}
