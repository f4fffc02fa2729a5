/* room: base */
/* fuzz_yaml: trees have places inside the text and consistent links; a schema takes or refuses
 * any tree, with a place. */
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

struct leaf {
    struct tarn_str text;
    int64_t number, every_us;
    uint64_t size;
    double ratio;
    bool flag;
    int word;
};
struct top {
    const struct tarn_yaml *node, *any;
    struct leaf one, *maybe;
    struct tarn_yaml_list list;
    struct tarn_yaml_map map;
};

static const char *const words[] = {"a", "b", NULL};
static const struct tarn_yaml_field leaf_fields[] = {
    {"text", TARN_YAML_STRING, offsetof(struct leaf, text), .preset = "x"},
    {"number", TARN_YAML_INT, offsetof(struct leaf, number), .min = -5, .max = 5},
    {"every", TARN_YAML_DURATION, offsetof(struct leaf, every_us), .preset = "1s"},
    {"size", TARN_YAML_SIZE, offsetof(struct leaf, size), .preset = "1kB"},
    {"ratio", TARN_YAML_NUMBER, offsetof(struct leaf, ratio), .preset = "0.5"},
    {"flag", TARN_YAML_BOOL, offsetof(struct leaf, flag), .preset = "true"},
    {"word", TARN_YAML_ENUM, offsetof(struct leaf, word), .names = words, .preset = "b"},
};
static const struct tarn_yaml_schema leaf_schema =
    TARN_YAML_SCHEMA("leaf", struct leaf, leaf_fields);
static const struct tarn_yaml_field leaf_elem = {.type = TARN_YAML_MAPPING, .sub = &leaf_schema};
static const struct tarn_yaml_field text_elem = {.type = TARN_YAML_STRING};
static const struct tarn_yaml_field list_elem = {
    .type = TARN_YAML_LIST, .elem = &text_elem, .one_is_list = true};
static const struct tarn_yaml_field top_fields[] = {
    {.type = TARN_YAML_SELF, .offset = offsetof(struct top, node)},
    {"any", TARN_YAML_ANY, offsetof(struct top, any), .required = false},
    {"one", TARN_YAML_MAPPING, offsetof(struct top, one), .sub = &leaf_schema},
    {"maybe", TARN_YAML_MAPPING_PTR, offsetof(struct top, maybe), .sub = &leaf_schema},
    {"list", TARN_YAML_LIST, offsetof(struct top, list), .elem = &leaf_elem},
    {"map", TARN_YAML_MAP, offsetof(struct top, map), .elem = &list_elem},
};
static const struct tarn_yaml_schema top_schema = TARN_YAML_SCHEMA("top", struct top, top_fields);

static void check_tree(const struct tarn_yaml *node, const struct tarn_yaml *parent)
{
    size_t count = 0;
    must(node->parent == parent && node->line >= 1 && node->column >= 1);
    must((node->kind == TARN_YAML_K_SCALAR) == (node->text.ptr != NULL));
    if (node->text.ptr)
        must(node->text.ptr[node->text.len] == '\0' && tarn_utf8_valid(node->text));
    for (const struct tarn_yaml *c = node->first; c; c = c->next, count++) {
        must((c->key.ptr != NULL) == (node->kind == TARN_YAML_K_MAPPING));
        check_tree(c, node);
    }
    must(count == node->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_yaml *root;
    struct top top;
    if (size < 1 || size > 65536 || tarn_op_init(&op, 0, 0) != TARN_OK)
        return 0;
    size_t begin = data[0] < size ? data[0] : size; /* the YAML may start anywhere in the file */
    struct tarn_yaml_source source = {
        .file = TARN_STR("f"), .text = tarn_str_of(data, size), .begin = begin};
    enum tarn_status status = tarn_yaml_load(&op, &source, &root);
    if (status == TARN_OK) {
        check_tree(root, NULL);
        status = tarn_yaml_fill(&op, root, &top_schema, &top);
    }
    if (status == TARN_OK) {
        must(top.node == root);
        must(top.one.number >= -5 && top.one.number <= 5 &&
             (top.one.word == 0 || top.one.word == 1));
    } else {
        must(op.report.message[0] != '\0' && op.report.line >= 1 && op.report.column >= 1);
    }
    tarn_op_release(&op);
    return 0;
}
