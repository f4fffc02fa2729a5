/* test_yaml: trees with places, what is refused, schemas into structs, messages, documentation. */
#include "check.h"

#include <string.h>

#include "base/yaml.h"

static enum tarn_status load(struct tarn_op *op, const char *text, struct tarn_yaml **out)
{
    struct tarn_yaml_source source = {.file = TARN_STR("tarn.yaml"), .text = tarn_str_view(text)};
    return tarn_yaml_load(op, &source, out);
}

static void trees_keep_places_and_quotes(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_yaml *root;
    assert_int_equal(load(&op,
                          "# comment\n"
                          "name: shop\n"
                          "list:\n"
                          "  - a\n"
                          "  - \"1\"\n"
                          "  - {k: [x, y]}\n"
                          "block: |\n"
                          "  two\n"
                          "  lines\n"
                          "none:\n"
                          "tilde: ~\n"
                          "\xC3\xA9\xC3\xA9: after\n",
                          &root),
                     TARN_OK);
    assert_int_equal(root->kind, TARN_YAML_K_MAPPING);
    assert_int_equal(root->count, 6);
    assert_int_equal(root->line, 2);
    const struct tarn_yaml *n = tarn_yaml_get(root, "name");
    check_str(n->text, "shop");
    assert_true(n->plain);
    assert_int_equal(n->line, 2);
    assert_int_equal(n->column, 7);
    assert_int_equal(n->key_line, 2);
    assert_int_equal(n->key_column, 1);
    const struct tarn_yaml *list = tarn_yaml_get(root, "list");
    assert_int_equal(list->kind, TARN_YAML_K_SEQUENCE);
    assert_int_equal(list->count, 3);
    assert_int_equal(list->first->line, 4);
    assert_int_equal(list->first->column, 5);
    assert_false(list->first->next->plain);
    check_str(list->first->next->text, "1");
    const struct tarn_yaml *y = list->first->next->next->first->first->next;
    check_str(y->text, "y");
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    tarn_yaml_path(&b, y);
    check_str(tarn_buf_view(&b), "list[2].k[1]");
    tarn_buf_release(&b);
    check_str(tarn_yaml_get(root, "block")->text, "two\nlines\n");
    assert_false(tarn_yaml_get(root, "block")->plain);
    assert_null(tarn_yaml_get(root, "none")); /* null is absent */
    assert_null(tarn_yaml_get(root, "tilde"));
    assert_null(tarn_yaml_get(root, "missing"));
    assert_null(tarn_yaml_get(list, "name"));
    assert_null(tarn_yaml_get(NULL, "name"));
    const struct tarn_yaml *after = tarn_yaml_get(root, "\xC3\xA9\xC3\xA9");
    assert_int_equal(after->column, 5); /* characters, not bytes */
    tarn_op_release(&op);
}

static void texts_without_a_value_are_null(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n", "# only a comment\n", "---\n", "~", "null\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tarn_op op = check_op();
        struct tarn_yaml *root;
        assert_int_equal(load(&op, texts[i], &root), TARN_OK);
        assert_true(tarn_yaml_is_null(root));
        tarn_op_release(&op);
    }
    struct tarn_op op = check_op();
    struct tarn_yaml *root;
    assert_int_equal(load(&op, "\"\"", &root), TARN_OK);
    assert_false(tarn_yaml_is_null(root)); /* a quoted empty text is a text */
    tarn_op_release(&op);
}

static void what_is_refused_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *message;
    } cases[] = {
        {"a: &x 1", 1, 4, "anchors (&name) are not supported: write the value out"},
        {"a: &x [1]", 1, 4, "anchors (&name) are not supported: write the value out"},
        {"a: *x", 1, 4, "aliases (*name) are not supported: quote a text that starts with '*'"},
        {"a: !!str 1", 1, 4, "tags (!name) are not supported: quote a text that starts with '!'"},
        {"a: !x {}", 1, 4, "tags (!name) are not supported: quote a text that starts with '!'"},
        {"a: 1\nb: 2\na: 3", 3, 1, "key \"a\" stands twice; the first is in line 1"},
        {"x:\n  a: 1\n  \"a\": 3", 3, 3, "key \"a\" stands twice; the first is in line 2"},
        {"{a: 1}: 2", 1, 1, "a key must be a plain or quoted text"},
        {"? [a]\n: 2", 1, 3, "a key must be a plain or quoted text"},
        {"a: 1\n---\nb: 2\n", 2, 1, "a second document (---) is not allowed here"},
        {"a: b: c", 1, 5, "not valid YAML: mapping values are not allowed in this context"},
        {"a:\n\t- b", 2, 1, "not valid YAML: found character that cannot start any token"},
        {"a: \"x", 1, 6, "not valid YAML: found unexpected end of stream"},
        {"a: \xFF", 1, 4, "not valid YAML: invalid leading UTF-8 octet"},
        {"a\x01", 1, 2, "not valid YAML: control characters are not allowed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_op op = check_op();
        struct tarn_yaml *root;
        assert_int_equal(load(&op, cases[i].text, &root), TARN_CONFIG);
        assert_string_equal(op.report.message, cases[i].message);
        assert_string_equal(op.report.file, "tarn.yaml");
        assert_int_equal(op.report.line, cases[i].line);
        assert_int_equal(op.report.column, cases[i].column);
        tarn_op_release(&op);
    }
}

static void limits_are_kept(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_yaml *root;
    struct tarn_buf b;
    tarn_buf_init(&b, TARN_YAML_SIZE_MAX + 100);
    for (int i = 0; i <= TARN_YAML_DEPTH_MAX; i++)
        tarn_buf_put(&b, '[');
    assert_int_equal(load(&op, b.ptr, &root), TARN_LIMIT);
    assert_string_equal(op.report.message, "YAML nested deeper than 64 levels");
    assert_int_equal(op.report.column, TARN_YAML_DEPTH_MAX + 1);
    tarn_buf_reset(&b);
    for (int i = 0; i < TARN_YAML_DEPTH_MAX; i++)
        tarn_buf_put(&b, '[');
    for (int i = 0; i < TARN_YAML_DEPTH_MAX; i++)
        tarn_buf_put(&b, ']');
    assert_int_equal(load(&op, b.ptr, &root), TARN_OK);
    tarn_buf_reset(&b);
    tarn_buf_put(&b, '[');
    for (int i = 0; i < TARN_YAML_NODES_MAX; i++)
        tarn_buf_z(&b, "1,");
    tarn_buf_put(&b, ']');
    assert_int_equal(load(&op, b.ptr, &root), TARN_LIMIT);
    assert_string_equal(op.report.message, "the YAML text has more than 200000 values");
    tarn_buf_reset(&b);
    while (b.len <= TARN_YAML_SIZE_MAX)
        tarn_buf_z(&b, "# a comment that goes on\n");
    assert_int_equal(load(&op, b.ptr, &root), TARN_LIMIT);
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

/* ---- a schema with one field of each type */

struct stream {
    const struct tarn_yaml *node;
    struct tarn_str from, to;
    int mode;
    struct tarn_yaml_list keys;
    struct tarn_yaml_map columns;
    uint64_t size;
    int64_t every_us, limit;
    double ratio;
    bool strict, has_ratio;
};
struct options {
    int64_t threads;
    struct tarn_str name;
};
struct project {
    struct tarn_str name;
    struct tarn_yaml_list streams;
    struct options options;
    struct options *extra;
    const struct tarn_yaml *any;
    struct tarn_yaml_map profiles;
};

static const char *const modes[] = {"append", "upsert", "replace", NULL};
static const struct tarn_yaml_field text_elem = {.type = TARN_YAML_STRING};
static const struct tarn_yaml_field stream_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct stream, node)},
    {"from", TARN_YAML_STRING, offsetof(struct stream, from), .required = true,
     .doc = "what is read"},
    {"to", TARN_YAML_STRING, offsetof(struct stream, to), .required = true, .doc = "the table"},
    {"mode", TARN_YAML_ENUM, offsetof(struct stream, mode), .names = modes, .preset = "upsert"},
    {"key", TARN_YAML_LIST, offsetof(struct stream, keys), .elem = &text_elem, .one_is_list = true},
    {"columns", TARN_YAML_MAP, offsetof(struct stream, columns), .elem = &text_elem},
    {"target_size", TARN_YAML_SIZE, offsetof(struct stream, size), .preset = "128MB"},
    {"every", TARN_YAML_DURATION, offsetof(struct stream, every_us), .preset = "5m"},
    {"limit", TARN_YAML_INT, offsetof(struct stream, limit), .min = 1, .max = 1000, .preset = "10"},
    {"ratio", TARN_YAML_NUMBER, offsetof(struct stream, ratio),
     .has_offset = offsetof(struct stream, has_ratio)},
    {"strict", TARN_YAML_BOOL, offsetof(struct stream, strict), .preset = "true"},
};

static enum tarn_status check_stream(struct tarn_op *op, const struct tarn_yaml *node, void *filled)
{
    const struct stream *s = filled;
    if (tarn_str_eq(s->from, s->to))
        return tarn_yaml_fail(op, tarn_yaml_get(node, "to"), "a stream cannot flow into itself");
    return TARN_OK;
}

static const struct tarn_yaml_schema stream_schema = {.title = "stream",
                                                      .size = sizeof(struct stream),
                                                      .fields = stream_fields,
                                                      .count = sizeof stream_fields /
                                                               sizeof *stream_fields,
                                                      .check = check_stream,
                                                      .doc = "One table that is landed."};
static const struct tarn_yaml_field stream_elem = {.type = TARN_YAML_MAPPING,
                                                   .sub = &stream_schema};
static const struct tarn_yaml_field option_fields[] = {
    {"threads", TARN_YAML_INT, offsetof(struct options, threads), .preset = "4"},
    {"name", TARN_YAML_STRING, offsetof(struct options, name), .preset = "default",
     .required = false},
};
static const struct tarn_yaml_schema option_schema =
    TARN_YAML_SCHEMA("options", struct options, option_fields);
static const struct tarn_yaml_field option_elem = {.type = TARN_YAML_MAPPING_PTR,
                                                   .sub = &option_schema};
static const struct tarn_yaml_field project_fields[] = {
    {"project", TARN_YAML_STRING, offsetof(struct project, name), .required = true,
     .doc = "its name"},
    {"streams", TARN_YAML_LIST, offsetof(struct project, streams), .elem = &stream_elem},
    {"options", TARN_YAML_MAPPING, offsetof(struct project, options), .sub = &option_schema},
    {"extra", TARN_YAML_MAPPING_PTR, offsetof(struct project, extra), .sub = &option_schema},
    {"any", TARN_YAML_ANY, offsetof(struct project, any), .required = false},
    {"profiles", TARN_YAML_MAP, offsetof(struct project, profiles), .elem = &option_elem},
};
static const struct tarn_yaml_schema project_schema =
    TARN_YAML_SCHEMA("project", struct project, project_fields);

static enum tarn_status fill(struct tarn_op *op, const char *text, struct project *p)
{
    struct tarn_yaml *root;
    TARN_TRY(load(op, text, &root));
    return tarn_yaml_fill(op, root, &project_schema, p);
}

static void structs_are_filled(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct project p;
    assert_int_equal(fill(&op,
                          "project: shop\n"
                          "streams:\n"
                          "  - {from: a, to: b}\n"
                          "  - from: c\n"
                          "    to: d\n"
                          "    mode: replace\n"
                          "    key: [x, \"y\"]\n"
                          "    columns: {m: \"decimal(18,2)\", n: date}\n"
                          "    target_size: 64MiB\n"
                          "    every: 1h30m\n"
                          "    limit: 1000\n"
                          "    ratio: 0.25\n"
                          "    strict: false\n"
                          "  - {from: e, to: f, key: z}\n"
                          "options: {threads: 8}\n"
                          "any: [1, {a: b}]\n"
                          "profiles:\n"
                          "  local: {name: l}\n"
                          "  far: {threads: 2}\n",
                          &p),
                     TARN_OK);
    check_str(p.name, "shop");
    assert_int_equal(p.streams.count, 3);
    const struct stream *s = p.streams.items;
    assert_int_equal(s[0].mode, 1);
    assert_int_equal(s[0].size, 128000000);
    assert_int_equal(s[0].every_us, 300000000);
    assert_int_equal(s[0].limit, 10);
    assert_true(s[0].strict);
    assert_false(s[0].has_ratio);
    assert_null(s[0].keys.node);
    assert_int_equal(s[0].node->line, 3);
    assert_int_equal(s[1].mode, 2);
    assert_int_equal(s[1].keys.count, 2);
    check_str(((struct tarn_str *)s[1].keys.items)[1], "y");
    assert_int_equal(s[1].columns.count, 2);
    check_str(s[1].columns.names[1], "n");
    check_str(((struct tarn_str *)s[1].columns.items)[0], "decimal(18,2)");
    assert_int_equal(s[1].size, 64 << 20);
    assert_int_equal(s[1].every_us, 5400000000);
    assert_int_equal(s[1].limit, 1000);
    assert_true(s[1].ratio == 0.25 && s[1].has_ratio);
    assert_false(s[1].strict);
    assert_int_equal(s[2].keys.count, 1);
    check_str(((struct tarn_str *)s[2].keys.items)[0], "z");
    assert_int_equal(p.options.threads, 8);
    check_str(p.options.name, "default");
    assert_null(p.extra);
    assert_int_equal(p.any->count, 2);
    struct options **profiles = p.profiles.items;
    check_str(p.profiles.names[0], "local");
    check_str(profiles[0]->name, "l");
    assert_int_equal(profiles[1]->threads, 2);
    assert_int_equal(p.profiles.node->line, 18);
    tarn_op_release(&op);
}

static void what_is_absent_has_its_default(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct project p;
    assert_int_equal(fill(&op, "project: x\nstreams:\nextra: {}\nany:\n", &p), TARN_OK);
    assert_int_equal(p.streams.count, 0);
    assert_int_equal(p.options.threads, 4);
    check_str(p.options.name, "default");
    assert_int_equal(p.extra->threads, 4);
    assert_null(p.any);
    tarn_op_release(&op);
}

static void wrong_values_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *message, *hint;
    } cases[] = {
        {"project: x\nstrems: []", 2, 1,
         "unknown key \"strems\" at the top level; did you mean \"streams\"?", ""},
        {"project: x\nzzzzzz: 1", 2, 1, "unknown key \"zzzzzz\" at the top level",
         "keys here: project, streams, options, extra, any, profiles"},
        {"project: x\nstreams:\n  - {from: a, too: b}", 3, 15,
         "unknown key \"too\" in streams[0]; did you mean \"to\"?", ""},
        {"streams: []", 1, 1, "missing key \"project\" at the top level", "\"project\": its name"},
        {"", 1, 1, "missing key \"project\" at the top level", "\"project\": its name"},
        {"project:", 1, 1, "key \"project\" at the top level has no value", ""},
        {"project: x\nstreams:\n  - {from: a}", 3, 5, "missing key \"to\" in streams[0]",
         "\"to\": the table"},
        {"project: [x]", 1, 10, "project must be a text, not a list", ""},
        {"project: x\nstreams: 5", 2, 10, "streams must be a list, not \"5\"", ""},
        {"project: x\nstreams: [5]", 2, 11, "streams[0] must be a mapping, not \"5\"", ""},
        {"project: x\noptions: [a]", 2, 10, "options must be a mapping, not a list", ""},
        {"project: x\nprofiles: [a]", 2, 11, "profiles must be a mapping, not a list", ""},
        {"project: x\nprofiles: {a: }", 2, 15, "profiles.a has no value", ""},
        {"project: x\nstreams: [{from: a, to: b, mode: uppsert}]", 2, 34,
         "streams[0].mode must be one of append, upsert and replace, not \"uppsert\"",
         "did you mean \"upsert\"?"},
        {"project: x\nstreams: [{from: a, to: b, key: {c: d}}]", 2, 33,
         "streams[0].key must be a text, not a mapping", ""},
        {"project: x\nstreams: [{from: a, to: b, key: [c, ~]}]", 2, 37,
         "streams[0].key[1] has no value", ""},
        {"project: x\nstreams: [{from: a, to: b, strict: yes}]", 2, 36,
         "streams[0].strict must be true or false, not \"yes\"", ""},
        {"project: x\nstreams: [{from: a, to: b, limit: 0}]", 2, 35,
         "streams[0].limit must be an integer from 1 to 1000, not \"0\"", ""},
        {"project: x\noptions: {threads: many}", 2, 20,
         "options.threads must be an integer, not \"many\"", ""},
        {"project: x\nstreams: [{from: a, to: b, every: 5}]", 2, 35,
         "streams[0].every must be a duration such as 30s or 5m, not \"5\": a duration is a number "
         "and a unit: us, ms, s, "
         "m, h, d, w",
         ""},
        {"project: x\nstreams: [{from: a, to: b, ratio: [1]}]", 2, 35,
         "streams[0].ratio must be a number, not a list", ""},
        {"project: x\nstreams: [{from: a, to: a}]", 2, 25, "a stream cannot flow into itself", ""},
        {"just text", 1, 1, "the top level must be a mapping, not \"just text\"", ""},
        {"[1]", 1, 1, "the top level must be a mapping, not a list", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_op op = check_op();
        struct project p;
        assert_int_equal(fill(&op, cases[i].text, &p), TARN_CONFIG);
        assert_string_equal(op.report.message, cases[i].message);
        assert_string_equal(op.report.hint, cases[i].hint);
        assert_int_equal(op.report.line, cases[i].line);
        assert_int_equal(op.report.column, cases[i].column);
        tarn_op_release(&op);
    }
}

static void yaml_inside_another_text_has_places_of_that_text(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_yaml *root;
    struct project p;
    static const char sql[] =
        "-- a model\n\xC3\xA9 /* tarn project: x\noptions:\n  threds: 3\n*/ select 1";
    struct tarn_yaml_source source = {.file = TARN_STR("models/m.sql"),
                                      .text = tarn_str_view(sql),
                                      .begin = (size_t)(strstr(sql, "project") - sql),
                                      .end = (size_t)(strstr(sql, "*/") - sql),
                                      .status = TARN_MODEL};
    assert_int_equal(tarn_yaml_load(&op, &source, &root), TARN_OK);
    assert_int_equal(root->line, 2);
    assert_int_equal(root->column, 11);
    const struct tarn_yaml *name = tarn_yaml_get(root, "project");
    assert_int_equal(name->column, 20);
    assert_int_equal(tarn_yaml_fill(&op, root, &project_schema, &p), TARN_MODEL);
    assert_string_equal(op.report.message,
                        "unknown key \"threds\" in options; did you mean \"threads\"?");
    assert_int_equal(op.report.line, 4);
    assert_int_equal(op.report.column, 3);
    assert_string_equal(op.report.source_line, "  threds: 3");
    assert_string_equal(op.report.file, "models/m.sql");
    assert_int_equal(tarn_yaml_fail_key(&op, name, "key %d", 1), TARN_MODEL);
    assert_int_equal(op.report.column, 11);
    (void)tarn_fail(&op, TARN_DATA, "other");
    assert_int_equal(tarn_yaml_place(&op, name), TARN_DATA);
    assert_int_equal(op.report.line, 2);
    assert_string_equal(op.report.source_line, "\xC3\xA9 /* tarn project: x");
    tarn_op_release(&op);
}

static void schemas_document_themselves(void **state)
{
    (void)state;
    struct tarn_buf b;
    tarn_buf_init(&b, 10000);
    tarn_yaml_schema_doc(&b, &project_schema);
    check_str(tarn_buf_view(&b), "## project\n\n"
                                 "| key | value | default | meaning |\n|---|---|---|---|\n"
                                 "| `project` | text | required | its name |\n"
                                 "| `streams` | list of [stream](#stream) |  |  |\n"
                                 "| `options` | [options](#options) |  |  |\n"
                                 "| `extra` | [options](#options) |  |  |\n"
                                 "| `any` | any |  |  |\n"
                                 "| `profiles` | map of name to [options](#options) |  |  |\n"
                                 "\n## stream\n\nOne table that is landed.\n\n"
                                 "| key | value | default | meaning |\n|---|---|---|---|\n"
                                 "| `from` | text | required | what is read |\n"
                                 "| `to` | text | required | the table |\n"
                                 "| `mode` | append, upsert or replace | `upsert` |  |\n"
                                 "| `key` | list of text |  |  |\n"
                                 "| `columns` | map of name to text |  |  |\n"
                                 "| `target_size` | size | `128MB` |  |\n"
                                 "| `every` | duration | `5m` |  |\n"
                                 "| `limit` | integer, 1 to 1000 | `10` |  |\n"
                                 "| `ratio` | number |  |  |\n"
                                 "| `strict` | true or false | `true` |  |\n"
                                 "\n## options\n\n"
                                 "| key | value | default | meaning |\n|---|---|---|---|\n"
                                 "| `threads` | integer | `4` |  |\n"
                                 "| `name` | text | `default` |  |\n");
    tarn_buf_release(&b);
}

static enum tarn_status fill_once(struct tarn_op *op, void *ctx)
{
    struct project p;
    return fill(op, ctx, &p);
}

static enum tarn_status fill_wrongly(struct tarn_op *op, void *ctx)
{
    struct project p;
    enum tarn_status status = fill(op, ctx, &p);
    if (status == TARN_CONFIG) { /* as it should be: lost memory may only shorten the message */
        assert_true(op->report.line == 2);
        tarn_clear(op);
        return TARN_OK;
    }
    return status;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    char right[] =
        "project: x\nstreams: [{from: a, to: b, key: [k]}]\nprofiles: {a: {threads: 1}}\n";
    check_alloc_failures(fill_once, right);
    char wrong[] = "project: x\nqqqqqqqq: [{mode: x}]\n";
    check_alloc_failures(fill_wrongly, wrong);
    char wrong_enum[] = "project: x\nstreams: [{from: a, to: b, mode: x}]\n";
    check_alloc_failures(fill_wrongly, wrong_enum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_keep_places_and_quotes),
        cmocka_unit_test(texts_without_a_value_are_null),
        cmocka_unit_test(what_is_refused_is_named),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(structs_are_filled),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(wrong_values_are_named_with_their_place),
        cmocka_unit_test(yaml_inside_another_text_has_places_of_that_text),
        cmocka_unit_test(schemas_document_themselves),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
