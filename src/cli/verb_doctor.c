/* doctor, version: what this machine, this program and the project are. */
#include <stdlib.h>

#include "cli/cli.h"

#define ENGINE_TESTED "DuckDB v1.5.5"
#define ICEBERG_TEXT  "Iceberg v1-v3 read, v2 write"

/* "DuckDB v1.5" of "DuckDB v1.5.5": patch releases keep behaviour. */
static struct tarn_str minor_of(struct tarn_str version)
{
    size_t dots = 0;
    for (size_t i = 0; i < version.len; i++)
        if (version.ptr[i] == '.' && ++dots == 2)
            return tarn_str_of(version.ptr, i);
    return version;
}

static bool engine_tested(const char *version)
{
    return tarn_str_eq(minor_of(tarn_str_view(version)), minor_of(TARN_STR(ENGINE_TESTED)));
}

enum tarn_status tarn__verb_version(struct tarn_cli *cli)
{
    const char *engine = tarn_engine_version();
    if (!engine_tested(engine))
        (void)fprintf(stderr, "warning: the engine is %s; this release was tested with %s\n",
                      engine, ENGINE_TESTED);
    if (!cli->json) {
        tarn_buf_printf(&cli->text, "tarn %s (%s, %s)\n", TARN_VERSION, engine, ICEBERG_TEXT);
        return tarn__cli_flush(cli);
    }
    struct tarn_json_writer w;
    tarn__cli_json_begin(cli, &w);
    tarn_json_member_z(&w, "version", TARN_VERSION);
    tarn_json_member_z(&w, "engine", engine);
    tarn_json_member_z(&w, "engine_tested", ENGINE_TESTED);
    tarn_json_member_z(&w, "iceberg", ICEBERG_TEXT);
    return tarn__cli_json_end(cli, &w);
}

static enum tarn_status check_open(struct tarn_cli *cli)
{
    struct tarn_workspace *w = NULL;
    enum tarn_status status = tarn__cli_open(cli, false, true, &w);
    if (status == TARN_OK && w->project)
        status = tarn_workspace_graph(w, cli->op);
    if (status == TARN_OK)
        tarn_buf_z(&cli->text, "ok    project and catalog open\n");
    tarn_workspace_close(w);
    return status;
}

enum tarn_status tarn__verb_doctor(struct tarn_cli *cli)
{
    tarn_buf_printf(&cli->text, "%s  engine %s\n",
                    engine_tested(tarn_engine_version()) ? "ok  " : "warn", tarn_engine_version());
    TARN_TRY(check_open(cli));
    return tarn__cli_flush(cli);
}
