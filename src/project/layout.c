/* layout: where tables lie, and what must hold between the tables of a project. */
#include "project/project_int.h"

#include <limits.h>
#include <stdlib.h>
#include <strings.h>

enum tarn_status tarn__layout_check(struct tarn_op *op, const struct tarn_yaml *node,
                                    struct tarn_str layout)
{
    static const char *const names[] = {"namespace", "app", "name"};
    bool has_name = false;
    if (!node)
        return TARN_OK;
    for (size_t i = 0; i < layout.len; i++) {
        if (layout.ptr[i] == '}')
            return tarn_yaml_fail(op, node, "layout \"%.*s\" closes a brace that is not open",
                                  TARN_STR_ARG(layout));
        if (layout.ptr[i] != '{')
            continue;
        const char *close = memchr(layout.ptr + i, '}', layout.len - i);
        struct tarn_str word =
            tarn_str_of(layout.ptr + i + 1, close ? (size_t)(close - layout.ptr) - i - 1 : 0);
        size_t k = 0;
        while (k < 3 && !tarn_str_is(word, names[k]))
            k++;
        if (k == 3)
            return tarn_yaml_fail(op, node,
                                  "layout \"%.*s\" may hold {namespace}, {app} and {name} only",
                                  TARN_STR_ARG(layout));
        has_name = has_name || k == 2;
        i += word.len + 1;
    }
    struct tarn_str step, rest = layout;
    while (rest.ptr) {
        (void)tarn_str_cut(&rest, '/', &step);
        if (step.len == 0 || tarn_str_is(step, ".") || tarn_str_is(step, ".."))
            return tarn_yaml_fail(op, node,
                                  "layout \"%.*s\" must be folders below the warehouse: a/b/c",
                                  TARN_STR_ARG(layout));
    }
    return has_name
               ? TARN_OK
               : tarn_yaml_fail(op, node,
                                "layout \"%.*s\" does not hold {name}: tables would share a folder",
                                TARN_STR_ARG(layout));
}

enum tarn_status tarn_project_location(struct tarn_op *op, const struct tarn_project *project,
                                       struct tarn_ident ident, struct tarn_str app,
                                       struct tarn_str *out)
{
    struct tarn_str name = ident.name, layout = project->layout;
    if (name.len > app.len + 1 && tarn_str_starts(name, app) && name.ptr[app.len] == '_')
        name = tarn_str_of(name.ptr + app.len + 1, name.len - app.len - 1);
    struct tarn_buf b;
    tarn_buf_init(&b, PATH_MAX);
    if (!tarn_str_is(project->profile.warehouse, "/"))
        tarn_buf_str(&b, project->profile.warehouse);
    tarn_buf_put(&b, '/');
    for (size_t i = 0; i < layout.len; i++) {
        if (layout.ptr[i] != '{') {
            tarn_buf_put(&b, layout.ptr[i]);
            continue;
        }
        struct tarn_str word = tarn_str_of(layout.ptr + i + 1, layout.len - i - 1);
        if (tarn_str_starts(word, TARN_STR("app}")))
            tarn_buf_str(&b, app);
        else if (tarn_str_starts(word, TARN_STR("name}")))
            tarn_buf_str(&b, name);
        else
            for (size_t k = 0; k < ident.ns.len; k++)
                tarn_buf_put(&b, ident.ns.ptr[k] == '.' ? '/' : ident.ns.ptr[k]);
        i += (size_t)((const char *)memchr(word.ptr, '}', word.len) - word.ptr) + 1;
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "the location of a table", out);
}

/* ---- tables that meet */

/* A table that the project makes. */
struct target {
    struct tarn_ident ident;
    struct tarn_str location; /* absent for a view */
    struct tarn_str path;     /* for messages */
    struct tarn_place place;
};

static int compare_names(const void *a, const void *b)
{
    const struct target *x = a, *y = b;
    size_t n = x->ident.ns.len < y->ident.ns.len ? x->ident.ns.len : y->ident.ns.len;
    int order = strncasecmp(x->ident.ns.ptr, y->ident.ns.ptr, n);
    if (order == 0)
        order = (x->ident.ns.len > y->ident.ns.len) - (x->ident.ns.len < y->ident.ns.len);
    return order ? order : strcasecmp(x->ident.name.ptr, y->ident.name.ptr);
}

/* By folders: '/' before every other character, so that what lies in a folder follows it at once.
 * */
static int compare_locations(const void *a, const void *b)
{
    struct tarn_str x = ((const struct target *)a)->location,
                    y = ((const struct target *)b)->location;
    for (size_t i = 0; i < x.len && i < y.len; i++) {
        int c = x.ptr[i] == '/' ? 0 : (unsigned char)x.ptr[i];
        int d = y.ptr[i] == '/' ? 0 : (unsigned char)y.ptr[i];
        if (c != d)
            return c - d;
    }
    return (x.len > y.len) - (x.len < y.len);
}

/* In the order that people read: tarn.yaml from top to bottom, then models by path. */
static bool stands_before(const struct target *a, const struct target *b)
{
    bool in_yaml = tarn_str_is(a->path, TARN_PROJECT_FILE);
    if (in_yaml != tarn_str_is(b->path, TARN_PROJECT_FILE))
        return in_yaml;
    return in_yaml ? a->place.line < b->place.line : tarn_str_cmp(a->path, b->path) < 0;
}

/* "models/a/b.sql" or "tarn.yaml:12" */
static struct tarn_str target_text(struct tarn_op *op, const struct target *t)
{
    if (tarn_str_is(t->path, TARN_PROJECT_FILE))
        return tarn_sprintf(op, "%.*s:%d", TARN_STR_ARG(t->path), t->place.line);
    return t->path;
}

/* Two targets that must not be: the message names both, the place is that of the one that comes
 * later. */
static enum tarn_status fail_two(struct tarn_op *op, const struct target *a, const struct target *b,
                                 bool same_name)
{
    const struct target *first = stands_before(a, b) ? a : b, *later = first == a ? b : a;
    struct tarn_str x = target_text(op, first), y = target_text(op, later);
    if (!x.ptr || !y.ptr)
        return TARN_NOMEM;
    bool exact = tarn_str_eq(a->ident.name, b->ident.name) && tarn_str_eq(a->ident.ns, b->ident.ns);
    if (!same_name)
        return tarn_place_fail(op, TARN_MODEL, later->place,
                               "tables %.*s.%.*s (%.*s) and %.*s.%.*s (%.*s) lie in the same "
                               "folder, or one in the other",
                               TARN_STR_ARG(first->ident.ns), TARN_STR_ARG(first->ident.name),
                               TARN_STR_ARG(x), TARN_STR_ARG(later->ident.ns),
                               TARN_STR_ARG(later->ident.name), TARN_STR_ARG(y));
    return tarn_place_fail(
        op, TARN_MODEL, later->place, "table %.*s.%.*s is made twice%s: by %.*s and by %.*s",
        TARN_STR_ARG(later->ident.ns), TARN_STR_ARG(later->ident.name),
        exact ? "" : " (letter case does not tell tables apart)", TARN_STR_ARG(x), TARN_STR_ARG(y));
}

static size_t collect_targets(const struct tarn_project *p, struct target *out)
{
    size_t n = 0;
    for (size_t i = 0; i < p->ingest_count; i++)
        out[n++] = (struct target){p->ingest[i].to, p->ingest[i].location,
                                   TARN_STR(TARN_PROJECT_FILE), p->ingest[i].place};
    for (size_t i = 0; i < p->model_count; i++) {
        const struct tarn_model *m = &p->models[i];
        out[n++] = (struct target){m->ident, m->location, m->path, {m->file, m->text, 1, 1}};
    }
    return n;
}

static enum tarn_status check_targets(struct tarn_op *op, const struct tarn_project *p)
{
    struct target *t;
    TARN_NEW_ARRAY(op, t, p->ingest_count + p->model_count);
    size_t n = collect_targets(p, t);
    for (size_t i = 0; i < n; i++)
        if (tarn__side_suffix(t[i].ident.name))
            return tarn_place_fail(op, TARN_MODEL, t[i].place,
                                   "table %.*s.%.*s has a name that ingest keeps for itself: "
                                   "..__files and ..__dead_letters",
                                   TARN_STR_ARG(t[i].ident.ns), TARN_STR_ARG(t[i].ident.name));
    if (n < 2)
        return TARN_OK;
    qsort(t, n, sizeof *t, compare_names);
    for (size_t i = 1; i < n; i++)
        if (compare_names(&t[i - 1], &t[i]) == 0)
            return fail_two(op, &t[i - 1], &t[i], true);
    qsort(t, n, sizeof *t, compare_locations);
    for (size_t i = 1; i < n; i++) {
        struct tarn_str above = t[i - 1].location, below = t[i].location;
        if (above.ptr && tarn_str_starts(below, above) &&
            (below.len == above.len || below.ptr[above.len] == '/'))
            return fail_two(op, &t[i - 1], &t[i], false);
    }
    return TARN_OK;
}

/* `model:` of a check query names a table of the project. */
static enum tarn_status check_owners(struct tarn_op *op, const struct tarn_project *p)
{
    struct target *t;
    struct tarn_str *names;
    TARN_NEW_ARRAY(op, t, p->ingest_count + p->model_count);
    TARN_NEW_ARRAY(op, names, p->ingest_count + p->model_count);
    size_t n = collect_targets(p, t);
    for (size_t i = 0; i < p->checks.count; i++) {
        const struct tarn_check *c = &p->checks.items[i];
        bool found = !c->table.name.ptr;
        for (size_t k = 0; k < n && !found; k++)
            found = tarn_str_eq(t[k].ident.ns, c->table.ns) &&
                    tarn_str_eq(t[k].ident.name, c->table.name);
        if (found)
            continue;
        struct tarn_str wanted = tarn__ident_text(op, c->table);
        for (size_t k = 0; k < n; k++)
            if (!(names[k] = tarn__ident_text(op, t[k].ident)).ptr)
                return TARN_NOMEM;
        const char *nearest = tarn__nearest(op, wanted, names, n);
        enum tarn_status status =
            tarn_yaml_fail(op, tarn_yaml_get(c->node, "model"), "the project makes no table %.*s",
                           TARN_STR_ARG(wanted));
        if (nearest)
            tarn_hint(op, "did you mean \"%s\"?", nearest);
        return status;
    }
    return TARN_OK;
}

enum tarn_status tarn__tables_check(struct tarn_op *op, const struct tarn_project *p)
{
    TARN_TRY(check_targets(op, p));
    return check_owners(op, p);
}
