/* project: finding a project, tarn.yaml's own keys, and what spans ingest, models and checks. */
#include "project/project_int.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_VERSION 1
#define LEAK_MIN       8 /* characters of a secret in a row */

struct root_raw {
    int64_t tarn;
    struct tarn_str project, app, profile, description, layout;
    struct tarn_yaml_map profiles, schedule, vars;
    struct tarn_yaml_list ingest;
};

static const struct tarn_yaml_field profile_elem = {.type = TARN_YAML_ANY,
                                                    .sub = &tarn__profile_schema};
static const struct tarn_yaml_field ingest_elem = {.type = TARN_YAML_MAPPING,
                                                   .sub = &tarn__ingest_schema};
static const struct tarn_yaml_field schedule_elem = {.type = TARN_YAML_MAPPING,
                                                     .sub = &tarn__schedule_schema};
static const struct tarn_yaml_field root_fields[] = {
    {"tarn", TARN_YAML_INT, offsetof(struct root_raw, tarn), .required = true, .min = 1,
     .max = 1000, .doc = "version of this file's format: 1"},
    {"project", TARN_YAML_STRING, offsetof(struct root_raw, project), .required = true,
     .doc = "its name"},
    {"app", TARN_YAML_STRING, offsetof(struct root_raw, app),
     .doc = "`{app}` of the layout for models; the project's name"},
    {"description", TARN_YAML_STRING, offsetof(struct root_raw, description), .doc = "for people"},
    {"profile", TARN_YAML_STRING, offsetof(struct root_raw, profile),
     .doc = "the profile when neither `--profile` nor `TARN_PROFILE` names one; may be left out "
            "when there is one only"},
    {"profiles", TARN_YAML_MAP, offsetof(struct root_raw, profiles), .required = true,
     .elem = &profile_elem, .doc = "where things are: a [profile](#profile) a name"},
    {"layout", TARN_YAML_STRING, offsetof(struct root_raw, layout),
     .preset = "{namespace}/{app}/{name}",
     .doc = "where a table lies under the warehouse; see \"Layout\""},
    {"ingest", TARN_YAML_LIST, offsetof(struct root_raw, ingest), .elem = &ingest_elem,
     .doc = "streams and the tables that they land in"},
    {"schedule", TARN_YAML_MAP, offsetof(struct root_raw, schedule), .elem = &schedule_elem,
     .doc = "checked, but nothing runs by itself in this version"},
    {"vars", TARN_YAML_MAP, offsetof(struct root_raw, vars), .elem = &tarn__text_field,
     .doc = "SQL variables: `getvariable('name')` gives the text"},
};
const struct tarn_yaml_schema tarn__root_schema =
    TARN_YAML_SCHEMA("tarn.yaml", struct root_raw, root_fields);

/* ---- finding */

static enum tarn_status has_project_file(struct tarn_op *op, struct tarn_str folder, bool *out)
{
    struct stat st;
    struct tarn_str path = tarn__path_absolute(op, folder, TARN_STR(TARN_PROJECT_FILE));
    if (!path.ptr)
        return TARN_NOMEM;
    *out = stat(path.ptr, &st) == 0 && !S_ISDIR(st.st_mode);
    return TARN_OK;
}

static enum tarn_status find_in(struct tarn_op *op, struct tarn_str dir, struct tarn_str *out)
{
    char real[PATH_MAX];
    bool found;
    struct tarn_str copy = tarn_strdup(op, dir);
    if (!copy.ptr)
        return TARN_NOMEM;
    if (!realpath(copy.ptr, real)) {
        char text[128];
        return tarn_fail(op, TARN_CONFIG, "could not open project folder \"%s\": %s", copy.ptr,
                         strerror_r(errno, text, sizeof text));
    }
    *out = tarn_strdup(op, tarn_str_view(real));
    if (!out->ptr)
        return TARN_NOMEM;
    TARN_TRY(has_project_file(op, *out, &found));
    if (found)
        return TARN_OK;
    (void)tarn_fail(op, TARN_CONFIG, "there is no %s in \"%s\"", TARN_PROJECT_FILE, copy.ptr);
    tarn_hint(op, "`tarn init %s` starts a project there", copy.ptr);
    return TARN_CONFIG;
}

enum tarn_status tarn_project_find(struct tarn_op *op, const struct tarn_project_options *options,
                                   struct tarn_str *out)
{
    char here[PATH_MAX];
    bool found;
    struct tarn_str dir = options->dir;
    if (!dir.ptr)
        dir = tarn__env_process_get(options->environment, TARN_STR("TARN_PROJECT_DIR"));
    if (dir.len > 0)
        return find_in(op, dir, out);
    if (!getcwd(here, sizeof here))
        return tarn_fail_errno(op, errno, "could not find the working directory");
    for (size_t len = strlen(here); len > 0;) {
        *out = tarn_strdup(op, tarn_str_of(here, len));
        if (!out->ptr)
            return TARN_NOMEM;
        TARN_TRY(has_project_file(op, *out, &found));
        if (found)
            return TARN_OK;
        while (len > 0 && here[--len] != '/')
            continue;
    }
    (void)tarn_fail(op, TARN_CONFIG, "there is no %s in \"%s\" or a folder above it",
                    TARN_PROJECT_FILE, here);
    tarn_hint(
        op, "go to a project's folder, name it with --project-dir, or start one with `tarn init`");
    return TARN_CONFIG;
}

/* ---- layout */

static enum tarn_status check_layout(struct tarn_op *op, const struct tarn_yaml *node,
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

/* By folders: '/' before every other character, so that what lies in a folder follows it at once. */
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

/* Two targets that must not be: the message names both, the place is that of the one that comes later. */
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

/* ---- loading */

static enum tarn_status check_version(struct tarn_op *op, const struct tarn_yaml *root)
{
    int64_t version;
    const struct tarn_yaml *node = tarn_yaml_get(root, "tarn");
    if (!node || node->kind != TARN_YAML_K_SCALAR || !tarn_str_to_i64(node->text, &version) ||
        version <= FORMAT_VERSION)
        return TARN_OK; /* what is wrong otherwise the schema says */
    enum tarn_status status =
        tarn_yaml_fail(op, node, "the project is of format %lld, this version reads format %d",
                       (long long)version, FORMAT_VERSION);
    tarn_hint(op, "use a newer tarn");
    return status;
}

/* The name by option, environment, .env or tarn.yaml; absent: none of them. *out_place: where tarn.yaml says so. */
static struct tarn_str profile_name(const struct tarn_project_options *options,
                                    const struct tarn__env *env, const struct tarn_yaml *root,
                                    const struct tarn_yaml **out_place)
{
    struct tarn_str name = options->profile;
    *out_place = NULL;
    if (!name.ptr)
        name = tarn__env_get(env, TARN_STR("TARN_PROFILE"));
    if (name.len > 0)
        return name;
    *out_place = tarn_yaml_get(root, "profile");
    return *out_place ? (*out_place)->text : (struct tarn_str){NULL, 0};
}

static enum tarn_status fail_profile(struct tarn_op *op, const struct tarn_yaml *profiles,
                                     struct tarn_str name, const struct tarn_yaml *place)
{
    struct tarn_str *names;
    size_t n = 0;
    TARN_NEW_ARRAY(op, names, profiles->count);
    for (const struct tarn_yaml *p = profiles->first; p; p = p->next)
        names[n++] = p->key;
    const char *nearest = tarn__nearest(op, name, names, n);
    (void)tarn_fail(op, TARN_CONFIG, "there is no profile \"%.*s\"", TARN_STR_ARG(name));
    if (nearest)
        tarn_hint(op, "did you mean \"%s\"?", nearest);
    return place ? tarn_yaml_place(op, place) : TARN_CONFIG;
}

/* NULL: `profiles` is not as it must be, which the schema says better. */
static enum tarn_status choose_profile(struct tarn_op *op,
                                       const struct tarn_project_options *options,
                                       const struct tarn__env *env, const struct tarn_yaml *root,
                                       struct tarn_yaml **out)
{
    const struct tarn_yaml *place, *profiles = tarn_yaml_get(root, "profiles");
    struct tarn_str name = profile_name(options, env, root, &place);
    *out = NULL;
    if (!profiles || profiles->kind != TARN_YAML_K_MAPPING ||
        (place && place->kind != TARN_YAML_K_SCALAR))
        return TARN_OK;
    if (profiles->count == 0)
        return tarn_yaml_fail(op, profiles, "there is no profile");
    if (!name.ptr && profiles->count > 1) {
        enum tarn_status status =
            tarn_yaml_fail_key(op, profiles, "several profiles, but none is chosen");
        tarn_hint(op, "add \"profile: %.*s\", or use --profile",
                  TARN_STR_ARG(profiles->first->key));
        return status;
    }
    for (struct tarn_yaml *p = profiles->first; p; p = p->next)
        if (!name.ptr || tarn_str_eq(p->key, name)) {
            *out = p;
            return TARN_OK;
        }
    return fail_profile(op, profiles, name, place);
}

/* Variables in everything but the profiles that are not in use. */
static enum tarn_status expand(struct tarn_op *op, const struct tarn_project_options *options,
                               const struct tarn__env *env, struct tarn__expand *x,
                               struct tarn_yaml *root, struct tarn_yaml **out_profile)
{
    for (struct tarn_yaml *c = root->first; c; c = c->next)
        if (!tarn_str_is(c->key, "profiles"))
            TARN_TRY(tarn__expand_tree(op, x, c));
    TARN_TRY(choose_profile(op, options, env, root, out_profile));
    if (!*out_profile)
        return TARN_OK;
    TARN_TRY(tarn__expand_tree(op, x, *out_profile));
    return tarn__override_tree(op, env, *out_profile);
}

static enum tarn_status take_root(struct tarn_op *op, const struct tarn_yaml *root,
                                  const struct root_raw *raw, struct tarn_project *p)
{
    p->name = raw->project;
    p->app = raw->app.ptr ? raw->app : raw->project;
    p->description = raw->description;
    p->layout = raw->layout;
    if (!tarn__name_ok(p->name))
        return tarn_yaml_fail(op, tarn_yaml_get(root, "project"),
                              "\"%.*s\" is no name of a project: letters, digits, _ and -",
                              TARN_STR_ARG(p->name));
    if (!tarn__name_ok(p->app))
        return tarn_yaml_fail(op, tarn_yaml_get(root, "app"),
                              "\"%.*s\" is no name of an app: letters, digits, _ and -",
                              TARN_STR_ARG(p->app));
    TARN_NEW_ARRAY(op, p->profile_names.items, raw->profiles.count);
    p->profile_names.count = raw->profiles.count;
    p->profile_names.node = raw->profiles.node;
    memcpy(p->profile_names.items, raw->profiles.names,
           raw->profiles.count * sizeof *raw->profiles.names);
    p->vars = tarn__kvs_of(op, &raw->vars);
    if (!p->vars.items)
        return TARN_NOMEM;
    return check_layout(op, tarn_yaml_get(root, "layout"), p->layout);
}

static enum tarn_status load_tree(struct tarn_op *op, const struct tarn_project_options *options,
                                  const struct tarn__env *env, const struct tarn_yaml *root,
                                  const struct tarn_yaml *profile, struct tarn_project *p)
{
    struct root_raw raw;
    TARN_TRY(tarn_yaml_fill(op, root, &tarn__root_schema, &raw));
    TARN_TRY(take_root(op, root, &raw, p));
    for (const struct tarn_yaml *c = raw.profiles.node->first; c; c = c->next)
        if (c != profile)
            TARN_TRY(tarn__profile_check_keys(op, c));
    TARN_TRY(tarn__profile_load(op, options, env, profile, p));
    TARN_TRY(tarn__ingest_load(op, &raw.ingest, p));
    TARN_TRY(tarn__schedules_load(op, &raw.schedule, p));
    TARN_TRY(tarn__models_load(op, p));
    TARN_TRY(tarn__sql_checks_load(op, p));
    TARN_TRY(check_targets(op, p));
    return check_owners(op, p);
}

static enum tarn_status load(struct tarn_op *op, const struct tarn_project_options *options,
                             struct tarn_project *p)
{
    struct tarn__file file = {0};
    struct tarn__env env;
    struct tarn__expand x = {.env = &env};
    struct tarn_yaml *root, *profile;
    TARN_TRY(tarn_project_find(op, options, &p->folder));
    TARN_TRY(tarn__env_load(op, p->folder, options->environment, &env));
    file.path = tarn__path_absolute(op, p->folder, TARN_STR(TARN_PROJECT_FILE));
    if (!file.path.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__file_read(op, "project file", TARN_CONFIG, TARN_YAML_SIZE_MAX, &file));
    p->file = file.shown;
    struct tarn_yaml_source source = {.file = file.shown, .text = file.text};
    TARN_TRY(tarn_yaml_load(op, &source, &root));
    TARN_TRY(check_version(op, root));
    enum tarn_status status = expand(op, options, &env, &x, root, &profile);
    if (status == TARN_OK)
        status = load_tree(op, options, &env, root, profile, p);
    p->secrets = (struct tarn_strs){.items = x.secrets, .count = x.secret_count};
    return status;
}

enum tarn_status tarn_project_load(struct tarn_op *op, const struct tarn_project_options *options,
                                   struct tarn_project **out)
{
    struct tarn_project *p;
    TARN_NEW(op, p);
    enum tarn_status status = load(op, options, p);
    if (status != TARN_OK)
        tarn_project_redact(p, &op->report);
    else
        *out = p;
    return status;
}

/* ---- secrets */

/* How much of a secret stands at the head of `text`: all of it, or so much that it would help somebody (messages cut long
 * values). 0 = nothing. */
static size_t leak_at(const char *text, struct tarn_str secret)
{
    size_t n = 0;
    while (n < secret.len && text[n] == secret.ptr[n])
        n++;
    if (n == secret.len || n >= LEAK_MIN || (n >= LEAK_MIN / 2 && text[n] == '\0'))
        return n;
    return 0;
}

static void redact(char *text, size_t size, struct tarn_str secret)
{
    char out[TARN_REPORT_TEXT];
    size_t n = 0;
    for (const char *p = text; *p && n + 4 < sizeof out;) {
        size_t leak = leak_at(p, secret);
        if (leak) {
            memcpy(out + n, "***", 3);
            n += 3;
            p += leak;
        } else {
            out[n++] = *p++;
        }
    }
    out[n] = '\0';
    (void)snprintf(text, size, "%s", out);
}

void tarn_project_redact(const struct tarn_project *project, struct tarn_report *r)
{
    for (size_t i = 0; i < project->secrets.count; i++) {
        struct tarn_str secret = project->secrets.items[i];
        redact(r->message, sizeof r->message, secret);
        redact(r->detail, sizeof r->detail, secret);
        redact(r->hint, sizeof r->hint, secret);
        for (int k = 0; k < r->frame_count; k++)
            redact(r->frames[k], sizeof r->frames[k], secret);
    }
}
