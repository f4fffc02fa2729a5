/* init: what `tarn init` finds out about files, for the files of init.
 *
 *   init_name.c   a file's path -> the words that name its stream, and a glob of files alike
 *   init_sniff.c  the first bytes of a file -> format, delimiter, header, encoding
 *   init_types.c  a stream's files -> format, columns and types
 *   init_look.c   a folder -> streams and their globs
 *   init_write.c  streams -> the texts of the project's files
 *   verb_init.c   the verb
 */
#ifndef TARN_CLI_INIT_H
#define TARN_CLI_INIT_H

#include "cli/cli.h"
#include "source/source.h"

#define TARN__INIT_SOURCE    "files" /* the name of the source that is written */
#define TARN__INIT_NAMESPACE "raw"

/* ---- init_name.c: pure */

/* What the path of a file below the source's folder says. Of "Orders-2024-01-31.json.gz" the word
 * is "orders", and the glob "Orders-[0-9]*.json.gz". Dates, numbers, hexadecimal ids and folders
 * such as year=2024 name no stream: they are what differs between files of one. */
struct tarn__init_name {
    struct tarn_str folder; /* words of the folders above, joined by '_'; may be empty */
    struct tarn_str stem;   /* words of the file's own name; may be empty */
    struct tarn_str glob;   /* of files that differ in numbers only */
    struct tarn_str
        below; /* the glob as far as the last named folder: "orders/"; empty at the top */
    struct tarn_str ending;       /* "json.gz", as it is written; view */
    enum tarn_file_format family; /* JSON (also EJSON), CSV or PARQUET */
    bool known;                   /* the ending is one of a format */
};
/* glued: digits behind a word ("co2") belong to it. */
enum tarn_status tarn__init_name(struct tarn_op *op, struct tarn_str path, bool glued,
                                 struct tarn__init_name *out) TARN_MUST_USE;
/* A name that projects accept and SQL takes without quotes as far as letters go; `otherwise` when
 * nothing is left. */
struct tarn_str tarn__init_word(struct tarn_op *op, struct tarn_str text, const char *otherwise);
/* "ecommerce_db" + "orders"; "orders" + "orders_late" is "orders_late". */
struct tarn_str tarn__init_join(struct tarn_op *op, struct tarn_str folder, struct tarn_str stem);
/* Does a column of this name hold money, as far as names tell? */
bool tarn__init_is_money(struct tarn_str column);

/* ---- init_sniff.c: pure */

struct tarn__init_sniff {
    bool known; /* false: no bytes to judge by */
    enum tarn_file_format format;
    char delimiter;       /* CSV */
    bool no_header;       /* CSV */
    const char *encoding; /* CSV: NULL = utf-8 */
    bool single;          /* JSON: one document, not an array and not one a line */
};
/* head: the first bytes of a file, unpacked. family: what its ending says. whole: head is all of
 * it. */
void tarn__init_sniff(struct tarn_str head, enum tarn_file_format family, bool whole,
                      struct tarn__init_sniff *out);
/* As above without an ending: JSON, CSV or Parquet by the bytes alone. */
enum tarn_file_format tarn__init_family(struct tarn_str head);

/* ---- init_types.c, init_look.c */

struct tarn__init_column {
    struct tarn_str path;    /* "lines.element.debit": what `columns` takes */
    struct tarn_str type;    /* "double"; "struct" and "list<struct>" stand before their parts */
    struct tarn_str suggest; /* "decimal(18,2)"; absent = the type will do */
    bool unseen;             /* nothing but null: the first value decides */
};
struct tarn__init_stream {
    struct tarn_str name, table; /* "orders", "raw.orders" */
    struct tarn_str *globs;      /* none: those that a stream has by its name */
    size_t glob_count;
    struct tarn_input_files files;
    uint64_t bytes;
    struct tarn__init_sniff sniff;
    struct tarn_str records; /* absent = each document */
    bool records_sure;       /* nothing but that list stands in the documents */
    struct tarn_type type;
    struct tarn__init_column *columns; /* of type, parts behind what holds them */
    size_t column_count;
    size_t sampled;          /* files */
    struct tarn_str problem; /* why it cannot be read; absent = it can */
    struct tarn_str note;    /* something to know; absent = nothing */
};
struct tarn__init_engine { /* opened for the first Parquet file */
    struct tarn_resolver nothing;
    struct tarn_engine *engine;
    struct tarn_session *session;
};
/* Fills sniff, records, type and columns out of s->files; n: of one of them. Fails with the reason
 * why they cannot be read. */
enum tarn_status tarn__init_types(struct tarn_op *op, struct tarn__init_engine *e,
                                  struct tarn__init_stream *s,
                                  const struct tarn__init_name *n) TARN_MUST_USE;
void tarn__init_engine_close(struct tarn__init_engine *e);

struct tarn__init_found {
    struct tarn_str base;              /* the source's folder, absolute, resolved */
    struct tarn__init_stream *streams; /* by name */
    size_t count, good;                /* good: those without problem */
};
/* path: as typed; project: absolute folder of the project, which is passed over where it lies
 * below. */
enum tarn_status tarn__init_look(struct tarn_op *op, struct tarn_str path, struct tarn_str project,
                                 struct tarn__init_found *out) TARN_MUST_USE;

/* ---- init_write.c */

struct tarn__init_file {
    struct tarn_str path; /* below the project's folder */
    struct tarn_str text;
    bool kept; /* it was there already */
};
struct tarn__init_plan {
    struct tarn_str name;                 /* of the project */
    struct tarn_str folder;               /* absolute */
    const struct tarn__init_found *found; /* NULL: the sample */
    struct tarn__init_file files[5];
    size_t count;
};
/* Fills in the texts. The first is tarn.yaml. */
enum tarn_status tarn__init_texts(struct tarn_op *op, struct tarn__init_plan *plan) TARN_MUST_USE;

#endif
