/* doctor_project: tarn.yaml and what it names: secrets, sources, models; leftovers and the lock.
 * See doctor_int.h. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/doctor_int.h"

#define GONE_MAX 100000

/* ---- the project */

static struct tarn_project_options options_of(const struct tarn__doctor *d)
{
    const struct tarn_options *o = d->cli->options;
    return (struct tarn_project_options){.dir = o->project_dir,
                                         .profile = o->profile,
                                         .warehouse = o->warehouse,
                                         .catalog_name = o->catalog_name};
}

/* --warehouse without a project: its tables can be looked at all the same. */
static enum tarn_status use_warehouse(struct tarn__doctor *d)
{
    char resolved[PATH_MAX];
    struct tarn_str given = d->cli->options->warehouse;
    if (tarn_str_starts(given, TARN_STR("file://")))
        given = tarn_str_of(given.ptr + 7, given.len - 7);
    struct tarn_str z = tarn_strdup(d->op, given);
    if (!z.ptr)
        return TARN_NOMEM;
    if (!realpath(z.ptr, resolved))
        return tarn__find(d, TARN__LEVEL_FAIL, "warehouse", "check --warehouse and TARN_WAREHOUSE",
                          "there is no folder \"%s\"", z.ptr);
    d->warehouse = tarn_strdup(d->op, tarn_str_view(resolved));
    if (!d->warehouse.ptr)
        return TARN_NOMEM;
    d->catalog.path = tarn_path_join(d->op, d->warehouse, TARN_STR("catalog.db"));
    d->catalog.catalog_name = d->cli->options->catalog_name;
    return d->catalog.path.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status no_project(struct tarn__doctor *d)
{
    const struct tarn_options *o = d->cli->options;
    if (o->project_dir.ptr)
        return tarn__find_report(d, TARN__LEVEL_FAIL, "project");
    tarn_clear(d->op);
    if (o->warehouse.ptr)
        return use_warehouse(d);
    return tarn__find(d, TARN__LEVEL_WARN, "project",
                      "go to a project's folder, name it with -C, or make one: tarn init NAME",
                      "there is no tarn.yaml here or above");
}

static enum tarn_status load_project(struct tarn__doctor *d)
{
    struct tarn_project_options o = options_of(d);
    if (tarn_project_find(d->op, &o, &d->folder) != TARN_OK) {
        d->folder = (struct tarn_str){NULL, 0};
        return no_project(d);
    }
    if (tarn_project_load(d->op, &o, &d->project) != TARN_OK) {
        d->project = NULL;
        TARN_TRY(tarn__find_report(d, TARN__LEVEL_FAIL, "project"));
        return d->cli->options->warehouse.ptr ? use_warehouse(d) : TARN_OK;
    }
    const struct tarn_project *p = d->project;
    d->cli->project = p;
    d->warehouse = p->profile.warehouse;
    d->catalog.path = p->profile.catalog.path;
    d->catalog.catalog_name = p->profile.catalog.name;
    return tarn__find(d, TARN__LEVEL_OK, "project", NULL, "%.*s, profile %.*s: %.*s",
                      TARN_STR_ARG(p->name), TARN_STR_ARG(p->profile.name), TARN_STR_ARG(p->file));
}

/* All of them were found, or the project would not have loaded. */
static enum tarn_status check_secrets(struct tarn__doctor *d)
{
    struct stat st;
    size_t n = d->project->secrets.count;
    struct tarn_str path = tarn_path_join(d->op, d->folder, TARN_STR(".env"));
    if (!path.ptr)
        return TARN_NOMEM;
    if (n > 0 && stat(path.ptr, &st) == 0 && (st.st_mode & S_IROTH))
        return tarn__find(d, TARN__LEVEL_WARN, "secrets", "chmod 600 .env",
                          "everybody on this machine may read %s", path.ptr);
    return n == 0 ? TARN_OK : tarn__find(d, TARN__LEVEL_OK, "secrets", NULL, "%zu found", n);
}

/* ---- sources */

static enum tarn_status check_source(struct tarn__doctor *d, const struct tarn_source_config *s)
{
    struct stat st;
    if (stat(s->path.ptr, &st) != 0 || !S_ISDIR(st.st_mode))
        return tarn__find(
            d, TARN__LEVEL_FAIL, "source", "make the folder, or change `path` of the source",
            "%.*s: there is no folder \"%.*s\"", TARN_STR_ARG(s->name), TARN_STR_ARG(s->path));
    if (access(s->path.ptr, R_OK | X_OK) != 0)
        return tarn__find(d, TARN__LEVEL_FAIL, "source", "let this user read it (chmod, chown)",
                          "%.*s: folder \"%.*s\" may not be read", TARN_STR_ARG(s->name),
                          TARN_STR_ARG(s->path));
    return TARN_OK;
}

static enum tarn_status list_stream(struct tarn_op *op, const struct tarn_ingest *in,
                                    struct tarn_input_files *out)
{
    TARN_TRY(tarn_files_list(op, in->source->path, in->files.items, in->files.count, out));
    for (size_t i = 0; i < out->count; i++)
        if (access(out->items[i].path.ptr, R_OK) != 0)
            return tarn_fail(op, TARN_DENIED, "file \"%.*s\" may not be read",
                             TARN_STR_ARG(out->items[i].path));
    return TARN_OK;
}

static enum tarn_status check_stream(struct tarn__doctor *d, const struct tarn_ingest *in)
{
    struct tarn_op op;
    struct tarn_input_files files;
    uint64_t bytes = 0;
    TARN_TRY(tarn_op_child(d->op, &op));
    enum tarn_status status = list_stream(&op, in, &files);
    if (status == TARN_OK)
        for (size_t i = 0; i < files.count; i++)
            bytes += files.items[i].size_bytes;
    else
        status = tarn_op_adopt(d->op, &op);
    tarn_op_release(&op);
    if (status != TARN_OK)
        return tarn__find_report(d, TARN__LEVEL_FAIL, "stream");
    if (files.count == 0)
        return tarn__find(d, TARN__LEVEL_WARN, "stream",
                          "check `files` and `path`; a stream without files is no error",
                          "%.*s.%.*s: no file matches below \"%.*s\"",
                          TARN_STR_ARG(in->source_name), TARN_STR_ARG(in->stream),
                          TARN_STR_ARG(in->source->path));
    return tarn__find(d, TARN__LEVEL_OK, "stream", NULL, "%.*s.%.*s: %s, %s",
                      TARN_STR_ARG(in->source_name), TARN_STR_ARG(in->stream),
                      tarn__cli_plural(d->op, (int64_t)files.count, "file").ptr,
                      tarn__cli_size(d->op, (int64_t)bytes).ptr);
}

static enum tarn_status check_sources(struct tarn__doctor *d)
{
    const struct tarn_project *p = d->project;
    for (size_t i = 0; i < p->profile.source_count; i++)
        TARN_TRY(check_source(d, &p->profile.sources[i]));
    for (size_t i = 0; i < p->ingest_count; i++) {
        struct stat st;
        if (stat(p->ingest[i].source->path.ptr, &st) == 0 && S_ISDIR(st.st_mode))
            TARN_TRY(check_stream(d, &p->ingest[i])); /* else its source was named already */
    }
    return TARN_OK;
}

/* ---- models */

static enum tarn_status refs(void *ctx, struct tarn_op *op, struct tarn_sql_text text,
                             struct tarn_table_refs *out)
{
    return tarn_session_refs(ctx, op, text, out);
}

static enum tarn_status check_models(struct tarn__doctor *d)
{
    struct tarn_graph *graph;
    if (!d->session)
        return TARN_OK; /* the engine's finding says it */
    if (tarn_graph_build(d->op, d->project, refs, d->session, &graph) != TARN_OK)
        return tarn__find_report(d, TARN__LEVEL_FAIL, "models");
    size_t checks = 0;
    for (size_t i = 0; i < graph->count; i++)
        checks += graph->nodes[i].kind == TARN_NODE_CHECK;
    return tarn__find(d, TARN__LEVEL_OK, "models", NULL, "%s, %s: all parse, and none reads itself",
                      tarn__cli_plural(d->op, (int64_t)d->project->model_count, "model").ptr,
                      tarn__cli_plural(d->op, (int64_t)checks, "check").ptr);
}

/* ---- .tarn */

static bool is_gone(const char *name)
{
    char *end;
    long pid = strtol(name, &end, 10);
    return pid > 0 && *end == 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static enum tarn_status check_leftovers(struct tarn__doctor *d)
{
    size_t gone = 0;
    struct tarn_str path = tarn_sprintf(d->op, "%.*s/.tarn/tmp", TARN_STR_ARG(d->folder));
    if (!path.ptr)
        return TARN_NOMEM;
    DIR *dir = opendir(path.ptr);
    if (!dir)
        return TARN_OK;
    for (struct dirent *e = readdir(dir); e && gone < GONE_MAX; e = readdir(dir))
        gone += is_gone(e->d_name);
    closedir(dir);
    if (gone == 0)
        return TARN_OK;
    return tarn__find(d, TARN__LEVEL_WARN, "leftovers", "the next `tarn run` removes them",
                      "%zu temporary folder%s of processes that are gone in %s", gone,
                      gone == 1 ? "" : "s", path.ptr);
}

/* "1: FLOCK  ADVISORY  WRITE 4711 08:02:123456 0 EOF". Some file systems show another device than
 * stat does: then the process must be the one that the lock's text names. */
long tarn__lock_holder(struct tarn_str locks, struct tarn__lock_file file)
{
    struct tarn_str line;
    bool more = true;
    while (more) {
        long pid;
        unsigned major, minor;
        unsigned long inode;
        char text[256], number[32], kind[32], mode[32], access_mode[32];
        more = tarn_str_cut(&locks, '\n', &line);
        if (snprintf(text, sizeof text, "%.*s", TARN_STR_ARG(line)) >= (int)sizeof text ||
            sscanf(text, "%31s %31s %31s %31s %ld %x:%x:%lu", number, kind, mode, access_mode, &pid,
                   &major, &minor, &inode) != 8)
            continue;
        if (strcmp(kind, "FLOCK") == 0 && inode == file.inode && pid > 0 &&
            ((major == file.major && minor == file.minor) || pid == file.named))
            return pid;
    }
    return 0;
}

static enum tarn_status check_lock(struct tarn__doctor *d)
{
    struct stat st;
    struct tarn_str text, locks;
    struct tarn_str path = tarn_sprintf(d->op, "%.*s/.tarn/run.lock", TARN_STR_ARG(d->folder));
    if (!path.ptr)
        return TARN_NOMEM;
    if (stat(path.ptr, &st) != 0)
        return TARN_OK;
    TARN_TRY(tarn__read_small(d->op, path.ptr, &text));
    TARN_TRY(tarn__read_small(d->op, "/proc/locks", &locks));
    const char *process = strstr(text.ptr, "process ");
    struct tarn__lock_file file = {.inode = st.st_ino,
                                   .major = major(st.st_dev),
                                   .minor = minor(st.st_dev),
                                   .named = process ? strtol(process + 8, NULL, 10) : 0};
    long pid = tarn__lock_holder(locks, file);
    if (pid == 0)
        return TARN_OK;
    return tarn__find(d, TARN__LEVEL_OK, "lock", NULL, "a run is at work (process %ld): %.*s", pid,
                      TARN_STR_ARG(tarn_str_trim(text)));
}

static enum tarn_status check_state(struct tarn__doctor *d)
{
    struct tarn_str path = tarn_path_join(d->op, d->folder, TARN_STR(".tarn"));
    if (!path.ptr)
        return TARN_NOMEM;
    bool there = access(path.ptr, F_OK) == 0;
    if (access(there ? path.ptr : d->folder.ptr, W_OK | X_OK) != 0)
        return tarn__find(d, TARN__LEVEL_FAIL, "state", "let this user write to it (chmod, chown)",
                          "\"%s\" cannot be %s: %s", path.ptr, there ? "written to" : "made",
                          strerror(errno));
    TARN_TRY(check_leftovers(d));
    return check_lock(d);
}

enum tarn_status tarn__doctor_project(struct tarn__doctor *d)
{
    TARN_TRY(load_project(d));
    if (d->folder.ptr)
        TARN_TRY(check_state(d));
    if (!d->project)
        return TARN_OK;
    TARN_TRY(check_secrets(d));
    TARN_TRY(check_sources(d));
    return check_models(d);
}
