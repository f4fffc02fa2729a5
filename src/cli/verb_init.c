/* init: a new project that `tarn run` can run at once, for files that are there or with sample
 * data.
 *
 * No file that is there is ever written over. tarn.yaml comes last, so that what was cut short can
 * be begun again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/init.h"
#include "io/folder.h"

#define COLUMNS_SHOWN_MAX 200

/* ---- the folder */

/* *out is absolute, and without links if it is there already. */
static enum tarn_status project_folder(struct tarn_op *op, struct tarn_str typed,
                                       struct tarn_str *out)
{
    struct stat st;
    char resolved[PATH_MAX];
    struct tarn_str z = tarn_strdup(op, typed);
    if (!z.ptr)
        return TARN_NOMEM;
    if (z.len == 0)
        return tarn_fail(op, TARN_USAGE, "the folder's name is empty");
    if (!tarn_utf8_valid(z))
        return tarn_fail(op, TARN_UNSUPPORTED, "the folder's name is not UTF-8");
    if (realpath(z.ptr, resolved)) {
        if (stat(resolved, &st) == 0 && !S_ISDIR(st.st_mode))
            return tarn_fail(op, TARN_EXISTS, "\"%s\" is there already and is no folder", z.ptr);
        *out = tarn_strdup(op, tarn_str_view(resolved));
        return out->ptr ? TARN_OK : TARN_NOMEM;
    }
    if (errno != ENOENT)
        return tarn_fail_errno(op, errno, "could not look at \"%s\"", z.ptr);
    if (z.ptr[0] == '/') {
        *out = z;
        return TARN_OK;
    }
    if (!getcwd(resolved, sizeof resolved))
        return tarn_fail_errno(op, errno, "could not find the working directory");
    *out = tarn_path_join(op, tarn_str_view(resolved), z);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static struct tarn_str path_of(struct tarn_op *op, const struct tarn__init_plan *plan,
                               struct tarn_str name)
{
    return tarn_path_join(op, plan->folder, name);
}

/* A project is not begun twice. An empty tarn.yaml is none yet. */
static enum tarn_status refuse_project(struct tarn_op *op, const struct tarn__init_plan *plan)
{
    struct stat st;
    struct tarn_str path = path_of(op, plan, TARN_STR(TARN_PROJECT_FILE));
    if (!path.ptr)
        return TARN_NOMEM;
    if (lstat(path.ptr, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size == 0))
        return TARN_OK;
    (void)tarn_fail(op, TARN_EXISTS, "\"%.*s\" is a project already", TARN_STR_ARG(plan->folder));
    tarn_detail(op, "%s", path.ptr);
    tarn_hint(op, "choose another folder, or add an entry to `ingest` in its tarn.yaml");
    return TARN_EXISTS;
}

static enum tarn_status project_name(struct tarn_cli *cli, struct tarn__init_plan *plan)
{
    struct tarn_str given = cli->options->name;
    plan->name =
        tarn__init_word(cli->op, given.ptr ? given : tarn_path_base(plan->folder), "project");
    if (!plan->name.ptr)
        return TARN_NOMEM;
    for (size_t i = 0; i < given.len; i++) {
        unsigned char c = (unsigned char)given.ptr[i];
        bool fits =
            (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '-';
        if (!fits || given.len > 100)
            return tarn_fail(cli->op, TARN_USAGE,
                             "\"%.*s\" is no name of a project: letters, digits, _ and -",
                             TARN_STR_ARG(given));
    }
    if (given.ptr && given.len == 0)
        return tarn_fail(cli->op, TARN_USAGE, "the project's name is empty");
    if (given.ptr)
        plan->name = given;
    return TARN_OK;
}

/* ---- writing */

/* A new file, or one that is there and empty; -1: it is there with something in it, or errno. */
static int open_new(const char *path, bool *out_made)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    *out_made = fd >= 0;
    if (fd >= 0 || errno != EEXIST)
        return fd;
    fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    errno = EEXIST;
    return -1;
}

static enum tarn_status write_file(struct tarn_op *op, const struct tarn__init_plan *plan,
                                   struct tarn__init_file *f)
{
    bool made;
    struct tarn_str path = path_of(op, plan, f->path);
    if (!path.ptr)
        return TARN_NOMEM;
    const char *slash = strrchr(path.ptr, '/');
    struct tarn_str folder = tarn_strdup(op, tarn_str_of(path.ptr, (size_t)(slash - path.ptr)));
    if (!folder.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_folder_make(op, folder.ptr));
    int fd = open_new(path.ptr, &made);
    f->kept = fd < 0 && errno == EEXIST;
    if (f->kept)
        return TARN_OK;
    if (fd < 0)
        return tarn_fail_errno(op, errno, "could not make file \"%s\"", path.ptr);
    enum tarn_status status = tarn_output_bytes(op, fd, f->text, NULL);
    if (close(fd) != 0 && status == TARN_OK)
        status = tarn_fail_errno(op, errno, "could not write file \"%s\"", path.ptr);
    if (status != TARN_OK) {
        (void)tarn_while(op, "writing \"%s\"", path.ptr);
        if (made)
            (void)unlink(path.ptr); /* half a file would be kept by the next try */
    }
    return status;
}

static enum tarn_status write_files(struct tarn_op *op, struct tarn__init_plan *plan)
{
    char resolved[PATH_MAX];
    TARN_TRY(tarn_folder_make(op, plan->folder.ptr));
    if (!realpath(plan->folder.ptr, resolved))
        return tarn_fail_errno(op, errno, "could not look at \"%s\"", plan->folder.ptr);
    plan->folder = tarn_strdup(op, tarn_str_view(resolved));
    if (!plan->folder.ptr)
        return TARN_NOMEM;
    for (size_t i = plan->count; i-- > 0;)
        TARN_TRY(write_file(op, plan, &plan->files[i]));
    return TARN_OK;
}

/* What was written must load; what was there before may not. */
static enum tarn_status check_project(struct tarn_cli *cli, const struct tarn__init_plan *plan)
{
    static const char *const no_environment[] = {NULL};
    struct tarn_project_options o = {
        .dir = plan->folder, .profile = TARN_STR("local"), .environment = no_environment};
    struct tarn_project *project;
    enum tarn_status status = tarn_project_load(cli->op, &o, &project);
    if (status == TARN_OK || status == TARN_NOMEM)
        return status;
    return tarn_while(cli->op,
                      "checking the new project: its files are written, but it cannot run yet");
}

/* ---- telling */

static bool is_shell_safe(struct tarn_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool letter = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c >= 0x80;
        if (!letter && !strchr("_./+,:@%-", (char)c))
            return false;
    }
    return s.len > 0;
}

/* What a person types next: "cd books && tarn run". */
static enum tarn_status next_command(struct tarn_op *op, struct tarn_str folder,
                                     struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 4 * PATH_MAX);
    if (!tarn_str_is(folder, ".")) {
        tarn_buf_z(&b, folder.ptr[0] == '-' ? "cd ./" : "cd ");
        if (is_shell_safe(folder)) {
            tarn_buf_str(&b, folder);
        } else {
            tarn_buf_put(&b, '\'');
            for (size_t i = 0; i < folder.len; i++) {
                if (folder.ptr[i] == '\'')
                    tarn_buf_z(&b, "'\\'");
                tarn_buf_put(&b, folder.ptr[i]);
            }
            tarn_buf_put(&b, '\'');
        }
        tarn_buf_z(&b, " && ");
    }
    tarn_buf_z(&b, "tarn run");
    return (enum tarn_status)tarn_buf_take(op, &b, "command", out);
}

static const char *delimiter_name(char c)
{
    return c == ';' ? "semicolon" : c == '\t' ? "tab" : c == '|' ? "bar" : "comma";
}

/* "raw.orders   3 files, 41 KB, csv, semicolon" */
static void put_title(struct tarn_cli *cli, const struct tarn__init_stream *s)
{
    struct tarn_op *op = cli->op;
    struct tarn_buf *b = &cli->text;
    tarn_buf_printf(b, "%.*s   %s, %s, %s", TARN_STR_ARG(s->table),
                    tarn__cli_plural(op, (int64_t)s->files.count, "file").ptr,
                    tarn__cli_size(op, (int64_t)s->bytes).ptr,
                    tarn_file_format_names[s->sniff.format]);
    if (s->sniff.format == TARN_FILE_CSV)
        tarn_buf_printf(b, ", %s%s%s%s", delimiter_name(s->sniff.delimiter),
                        s->sniff.no_header ? ", no header" : "", s->sniff.encoding ? ", " : "",
                        s->sniff.encoding ? s->sniff.encoding : "");
    if (s->records_sure)
        tarn_buf_printf(b, ", records in %.*s", TARN_STR_ARG(s->records));
    if (s->sampled < s->files.count)
        tarn_buf_printf(b, "; types out of %zu of them", s->sampled);
    tarn_buf_put(b, '\n');
    if (s->note.ptr)
        tarn_buf_printf(b, "  note: %.*s\n", TARN_STR_ARG(s->note));
}

static struct tarn_str remark(struct tarn_op *op, const struct tarn__init_column *c)
{
    if (c->suggest.ptr)
        return tarn_sprintf(op, "money? %.*s", TARN_STR_ARG(c->suggest));
    return c->unseen ? TARN_STR("only null so far") : TARN_STR("");
}

static enum tarn_status put_columns(struct tarn_cli *cli, struct tarn_output *out,
                                    const struct tarn__init_stream *s, bool with_table)
{
    for (size_t i = 0; i < s->column_count && (with_table || i < COLUMNS_SHOWN_MAX); i++) {
        const struct tarn__init_column *c = &s->columns[i];
        struct tarn_str cells[4] = {s->table, c->path, c->type, remark(cli->op, c)};
        if (!cells[3].ptr)
            return TARN_NOMEM;
        TARN_TRY(tarn_output_row(out, cli->op, cells + !with_table));
    }
    return TARN_OK;
}

static const struct tarn_output_column listing[] = {{"table", TARN_OUTPUT_TEXT},
                                                    {"column", TARN_OUTPUT_TEXT},
                                                    {"type", TARN_OUTPUT_TEXT},
                                                    {"remark", TARN_OUTPUT_TEXT}};

/* streams[0..count) as one listing; with_table: the table's name stands in each row. */
static enum tarn_status put_listing(struct tarn_cli *cli, const struct tarn__init_stream *streams,
                                    size_t count, bool with_table)
{
    struct tarn_output out;
    tarn__cli_output(cli, &out);
    out.options.no_count = true;
    out.options.rows_max = 1000000;
    enum tarn_status status =
        tarn_output_begin_listing(&out, cli->op, listing + !with_table, 3 + with_table);
    for (size_t i = 0; status == TARN_OK && i < count; i++)
        if (!streams[i].problem.ptr)
            status = put_columns(cli, &out, &streams[i], with_table);
    if (status == TARN_OK)
        status = tarn_output_end(&out, cli->op);
    cli->reader_gone = cli->reader_gone || out.reader_gone;
    tarn_output_release(&out);
    return status;
}

static enum tarn_status tell_streams(struct tarn_cli *cli, const struct tarn__init_found *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct tarn__init_stream *s = &found->streams[i];
        if (s->problem.ptr)
            continue;
        put_title(cli, s);
        TARN_TRY(tarn__cli_flush(cli));
        TARN_TRY(put_listing(cli, s, 1, false));
        if (s->column_count > COLUMNS_SHOWN_MAX)
            tarn_buf_printf(&cli->text, "... and %zu more\n", s->column_count - COLUMNS_SHOWN_MAX);
        tarn_buf_put(&cli->text, '\n');
    }
    for (size_t i = 0; i < found->count; i++) {
        const struct tarn__init_stream *s = &found->streams[i];
        if (s->problem.ptr)
            tarn_buf_printf(&cli->text, "left out: %.*s, %s: %.*s\n", TARN_STR_ARG(s->name),
                            tarn__cli_plural(cli->op, (int64_t)s->files.count, "file").ptr,
                            TARN_STR_ARG(s->problem));
    }
    return tarn__cli_flush(cli);
}

/* What was written, and what to do now; to stderr when stdout is for rows. */
static enum tarn_status tell_files(struct tarn_cli *cli, const struct tarn__init_plan *plan,
                                   struct tarn_str next)
{
    const struct tarn_options *o = cli->options;
    if (o->quiet)
        return TARN_OK;
    for (size_t i = 0; i < plan->count; i++)
        tarn_buf_printf(&cli->text, "  %s  %.*s%s\n", plan->files[i].kept ? "kept " : "wrote",
                        TARN_STR_ARG(plan->files[i].path),
                        plan->files[i].kept ? "  (it was there already, and is unchanged)" : "");
    tarn_buf_printf(&cli->text, "\n  next: %.*s\n", TARN_STR_ARG(next));
    if (o->format == TARN_FORMAT_TABLE)
        return tarn__cli_flush(cli);
    enum tarn_status status = tarn_output_bytes(cli->op, 2, tarn_buf_view(&cli->text), NULL);
    tarn_buf_reset(&cli->text);
    return status;
}

/* ---- JSON */

static void json_stream(struct tarn_json_writer *w, const struct tarn__init_stream *s)
{
    tarn_json_begin_object(w);
    tarn_json_member_str(w, "stream", s->name);
    tarn_json_member_str(w, "table", s->table);
    tarn_json_member_i64(w, "files", (int64_t)s->files.count);
    tarn_json_member_i64(w, "bytes", (int64_t)s->bytes);
    if (s->problem.ptr) {
        tarn_json_member_str(w, "problem", s->problem);
        tarn_json_end_object(w);
        return;
    }
    tarn_json_member_z(w, "format", tarn_file_format_names[s->sniff.format]);
    if (s->sniff.format == TARN_FILE_CSV) {
        tarn_json_member_str(w, "delimiter", tarn_str_of(&s->sniff.delimiter, 1));
        tarn_json_member_bool(w, "header", !s->sniff.no_header);
        tarn_json_member_z(w, "encoding", s->sniff.encoding ? s->sniff.encoding : "utf-8");
    }
    if (s->records_sure)
        tarn_json_member_str(w, "records", s->records);
    if (s->note.ptr)
        tarn_json_member_str(w, "note", s->note);
    tarn_json_key(w, "columns");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < s->column_count; i++) {
        tarn_json_begin_object(w);
        tarn_json_member_str(w, "path", s->columns[i].path);
        tarn_json_member_str(w, "type", s->columns[i].type);
        if (s->columns[i].suggest.ptr)
            tarn_json_member_str(w, "suggested", s->columns[i].suggest);
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
    tarn_json_end_object(w);
}

static enum tarn_status tell_json(struct tarn_cli *cli, const struct tarn__init_plan *plan,
                                  struct tarn_str next)
{
    struct tarn_json_writer w;
    tarn__cli_json_begin(cli, &w);
    tarn_json_member_str(&w, "project", plan->name);
    tarn_json_member_str(&w, "folder", plan->folder);
    tarn_json_key(&w, "files");
    tarn_json_begin_array(&w);
    for (size_t i = 0; i < plan->count; i++) {
        tarn_json_begin_object(&w);
        tarn_json_member_str(&w, "path", plan->files[i].path);
        tarn_json_member_bool(&w, "written", !plan->files[i].kept);
        tarn_json_end_object(&w);
    }
    tarn_json_end_array(&w);
    if (plan->found) {
        tarn_json_member_str(&w, "source", plan->found->base);
        tarn_json_key(&w, "streams");
        tarn_json_begin_array(&w);
        for (size_t i = 0; i < plan->found->count; i++)
            json_stream(&w, &plan->found->streams[i]);
        tarn_json_end_array(&w);
    }
    tarn_json_member_str(&w, "next", next);
    return tarn__cli_json_end(cli, &w);
}

/* ---- the verb */

static enum tarn_status refuse_nothing(struct tarn_op *op, const struct tarn__init_found *found)
{
    if (found->good > 0)
        return TARN_OK;
    const struct tarn__init_stream *s = &found->streams[0];
    (void)tarn_fail(op, TARN_DATA, "none of the files below \"%.*s\" can be read",
                    TARN_STR_ARG(found->base));
    tarn_detail(op, "%.*s: %.*s", TARN_STR_ARG(s->files.items[0].name), TARN_STR_ARG(s->problem));
    return TARN_DATA;
}

static enum tarn_status tell(struct tarn_cli *cli, const struct tarn__init_plan *plan,
                             struct tarn_str typed)
{
    struct tarn_str next;
    TARN_TRY(next_command(cli->op, typed, &next));
    if (cli->json)
        return tell_json(cli, plan, next);
    if (plan->found && cli->options->format == TARN_FORMAT_TABLE)
        TARN_TRY(tell_streams(cli, plan->found));
    else if (plan->found)
        TARN_TRY(put_listing(cli, plan->found->streams, plan->found->count, true));
    return tell_files(cli, plan, next);
}

enum tarn_status tarn__verb_init(struct tarn_cli *cli)
{
    const struct tarn_options *o = cli->options;
    struct tarn_op *op = cli->op;
    struct tarn_str typed = o->args.count ? o->args.items[0] : TARN_STR(".");
    struct tarn__init_plan plan = {0};
    struct tarn__init_found found;
    TARN_TRY(project_folder(op, typed, &plan.folder));
    TARN_TRY(refuse_project(op, &plan));
    TARN_TRY(project_name(cli, &plan));
    if (o->args.count > 1) {
        TARN_TRY(tarn__init_look(op, o->args.items[1], plan.folder, &found));
        TARN_TRY(refuse_nothing(op, &found));
        plan.found = &found;
    }
    TARN_TRY(tarn__init_texts(op, &plan));
    TARN_TRY(write_files(op, &plan));
    if (plan.files[0].kept)
        return refuse_project(op, &plan); /* another init was quicker */
    TARN_TRY(tell(cli, &plan, typed));
    return check_project(cli, &plan);
}
