/* doc: docs/project.md, the reference of tarn.yaml and of the headers of .sql files, out of the
 * schemas. */
#include "project/project_int.h"

#define DOC_MAX ((size_t)1 << 20)

static const char intro[] =
    "# Projects: tarn.yaml, models and checks\n"
    "\n"
    "This page is made from the schemas in `src/project` (`tarn help --markdown project`); a test "
    "holds it to them.\n"
    "\n"
    "```\n"
    "accounting/\n"
    "  tarn.yaml                        profiles, ingest, schedule, vars\n"
    "  .env                             settings of this machine; .env.example shows them\n"
    "  models/<namespace>/<table>.sql   one SELECT a file; folder and file give the table's name\n"
    "  checks/<name>.sql                a query that returns the rows which offend\n"
    "```\n"
    "\n"
    "An unknown key is an error that names its place and the nearest right key. Names of projects, "
    "profiles, sources,\n"
    "namespaces and tables are made of letters, digits, `_` and `-`.\n"
    "\n"
    "## Settings from outside\n"
    "\n"
    "| written | becomes |\n"
    "|---|---|\n"
    "| `${NAME}` | the variable NAME; an error when it is not set |\n"
    "| `${NAME:-default}` | `default` when NAME is not set or empty |\n"
    "| `${secret:name}` | `TARN_SECRET_NAME`, else the text of the file `name` in the folder "
    "`TARN_SECRETS_DIR`; never printed |\n"
    "| `$${` | the two characters `${` |\n"
    "\n"
    "Variables come from the environment, then from the project's `.env` (`NAME=value` lines, `#` "
    "comments, `'...'` literal,\n"
    "`\"...\"` with `\\n`, `\\t`, `\\\"`, `\\\\`; `export` may stand before a name). They are put "
    "into the values of `tarn.yaml`,\n"
    "once, and only into the profile that is in use; headers of `.sql` files are the same "
    "everywhere.\n"
    "\n"
    "The profile is named by `--profile`, `TARN_PROFILE`, or `profile:`. Above the profile's own "
    "values stand\n"
    "`TARN__KEY` and `TARN__SECTION__KEY` (`TARN__MEMORY_LIMIT=4GB`, "
    "`TARN__SOURCES__FQ_APP__PATH=/data`), above\n"
    "those `TARN_WAREHOUSE` and `TARN_CATALOG_NAME`, above all `--warehouse` and "
    "`--catalog-name`.\n"
    "\n"
    "## Layout\n"
    "\n"
    "A table lies at `<warehouse>/<layout>`. `{namespace}` is the table's namespace (`a.b` becomes "
    "`a/b`), `{app}` the entry's or\n"
    "model's `app`, `{name}` the table's name without a leading `<app>_`. So `raw.fq_app_accounts` "
    "of the app `fq_app` lies at\n"
    "`<warehouse>/raw/fq_app/accounts`. Two tables in one folder are an error.\n"
    "\n"
    "## Files of a stream\n"
    "\n"
    "Without `files`, the stream `journal_entries` of a JSON source is `journal_entries.json`, "
    "`journal_entries-*.json` and\n"
    "all `*.json` below the folder `journal_entries/`; each also as `.ndjson` and `.jsonl`, and "
    "with `.gz` or `.zst` behind it.\n"
    "CSV: `.csv`, `.tsv`; Parquet: `.parquet`.\n"
    "\n"
    "Beside a table `raw.x` ingest keeps `raw.x__files`, a row a file that was read, and "
    "`raw.x__dead_letters`, a row a "
    "record that\nwas set aside. Models may read them.\n"
    "\n"
    "## Models\n"
    "\n"
    "```sql\n"
    "/* tarn\n"
    "kind: merge\n"
    "key: [entry_id, account_id]\n"
    "checks: [{not_null: [entry_id]}]\n"
    "*/\n"
    "select ... from raw.fq_app_journal_entries\n"
    "```\n"
    "\n"
    "The header is optional and stands at the top; its keys are those of [model](#model). Without "
    "it a model is of kind\n"
    "`table`. Which tables a model reads is found by parsing its SQL: names are plain, there is no "
    "Jinja. A name without\n"
    "namespace means the table in the model's own namespace, else the only one of that name.\n"
    "\n"
    "## Checks\n"
    "\n"
    "```yaml\n"
    "checks:\n"
    "  - not_null: [entry_id, account_id]\n"
    "  - unique: {columns: [entry_id, account_id], severity: warn}\n"
    "  - accepted_values: {column: status, values: [Complete, In Progress]}\n"
    "  - relationship: {column: account_id, to: raw.fq_app_accounts.account_id, severity: warn}\n"
    "  - expression: debit >= 0\n"
    "  - row_count: {min: 1}\n"
    "```\n"
    "\n"
    "`severity`, `name` and `description` may stand in the braces or beside the kind. A file of "
    "`checks/` is a query whose\n"
    "rows offend; its header may hold the keys of [check query](#check-query).\n"
    "\n"
    "# Keys\n"
    "\n";

enum tarn_status tarn_project_doc(struct tarn_op *op, struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, DOC_MAX);
    tarn_buf_z(&b, intro);
    tarn_yaml_schema_doc(&b, &tarn__root_schema);
    tarn_buf_put(&b, '\n');
    tarn_yaml_schema_doc(&b, &tarn__model_schema);
    for (size_t i = 0; tarn__check_schemas[i]; i++) {
        tarn_buf_put(&b, '\n');
        tarn_yaml_schema_doc(&b, tarn__check_schemas[i]);
    }
    tarn_buf_put(&b, '\n');
    tarn_yaml_schema_doc(&b, &tarn__sql_check_schema);
    return (enum tarn_status)tarn_buf_take(op, &b, "the documentation", out);
}
