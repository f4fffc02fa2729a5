/* project: finding a project, tarn.yaml's own keys, secrets. */
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

/* The name by option, environment, .env or tarn.yaml; absent: none of them. *out_place: where
 * tarn.yaml says so. */
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

/* The hint "profiles: local, production". */
static void list_profiles(struct tarn_op *op, const struct tarn_str *names, size_t n)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < n; i++) {
        tarn_buf_z(&b, i ? ", " : "");
        tarn_buf_str(&b, names[i]);
    }
    tarn_hint(op, "profiles: %.*s", TARN_STR_ARG(tarn_buf_view(&b)));
    tarn_buf_release(&b);
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
    else
        list_profiles(op, names, n);
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
    return tarn__layout_check(op, tarn_yaml_get(root, "layout"), p->layout);
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
    return tarn__tables_check(op, p);
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

/* How much of a secret stands at the head of `text`: all of it, or so much that it would help
 * somebody (messages cut long values). 0 = nothing. */
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
