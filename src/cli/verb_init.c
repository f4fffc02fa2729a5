/* init: a new project that `tarn run` can run at once. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static enum tarn_status make_folder(struct tarn_op *op, const char *path)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return tarn_fail_errno(op, errno, "could not make folder \"%s\"", path);
    return TARN_OK;
}

/* Writes a new file; one that is there is left alone. */
static enum tarn_status make_file(struct tarn_cli *cli, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
        tarn_buf_printf(&cli->text, "kept   %s\n", path);
        return TARN_OK;
    }
    if (fd < 0)
        return tarn_fail_errno(cli->op, errno, "could not make file \"%s\"", path);
    enum tarn_status status = tarn_output_bytes(cli->op, fd, tarn_str_view(text), NULL);
    close(fd);
    tarn_buf_printf(&cli->text, "wrote  %s\n", path);
    return status;
}

static const char sample[] =
    "{\"order_id\": 1, \"customer\": \"Ada\", \"ordered_at\": \"2025-05-01\", \"amount\": 120.50}\n"
    "{\"order_id\": 2, \"customer\": \"Ben\", \"ordered_at\": \"2025-05-01\", \"amount\": 80.00}\n"
    "{\"order_id\": 3, \"customer\": \"Ada\", \"ordered_at\": \"2025-05-02\", \"amount\": 19.99}\n";
static const char model[] = "/* tarn\nkind: table\ntags: [gold]\n*/\n"
                            "select ordered_at, count(*) as orders, sum(amount) as amount\n"
                            "from raw.orders\ngroup by ordered_at\n";

enum tarn_status tarn__verb_init(struct tarn_cli *cli)
{
    const struct tarn_options *o = cli->options;
    const char *folder = o->args.count ? o->args.items[0].ptr : ".";
    struct tarn_str name = o->name.ptr ? o->name : TARN_STR("first");
    struct tarn_str yaml = tarn_sprintf(
        cli->op,
        "tarn: 1\nproject: %.*s\nprofiles:\n  local:\n    warehouse: ./warehouse\n    sources:\n"
        "      files: {kind: files, path: data, format: json}\n"
        "ingest:\n  - from: files.orders\n    to: raw.orders\n"
        "    columns: {ordered_at: date, amount: \"decimal(18,2)\"}\n",
        TARN_STR_ARG(name));
    if (!yaml.ptr)
        return TARN_NOMEM;
    TARN_TRY(make_folder(cli->op, folder));
    if (chdir(folder) != 0)
        return tarn_fail_errno(cli->op, errno, "could not go to \"%s\"", folder);
    TARN_TRY(make_folder(cli->op, "data"));
    TARN_TRY(make_folder(cli->op, "models"));
    TARN_TRY(make_folder(cli->op, "models/gold"));
    TARN_TRY(make_file(cli, "tarn.yaml", yaml.ptr));
    TARN_TRY(make_file(cli, "data/orders.json", sample));
    TARN_TRY(make_file(cli, "models/gold/orders_by_day.sql", model));
    TARN_TRY(make_file(cli, ".gitignore", "/warehouse/\n/.tarn/\n/.env\n"));
    return tarn__cli_flush(cli);
}
