/* expand: settings from outside, put into the YAML tree before its schema is checked.
 *
 *     ${NAME}            the variable NAME; an error when it is not set
 *     ${NAME:-default}   default when NAME is not set or empty
 *     ${secret:name}     TARN_SECRET_NAME, else the file $TARN_SECRETS_DIR/name; never printed
 *     $${                a plain "${"
 *
 * Once only: what a variable's value holds is not expanded again. TARN__CATALOG__NAME=x sets
 * profiles.<chosen>.catalog.name, literally, over whatever tarn.yaml says.
 */
#include "project/project_int.h"

#include <ctype.h>

#define VALUE_MAX     ((size_t)64 << 10)
#define OVERRIDE      "TARN__"
#define OVERRIDE_KEYS 8

/* ---- ${...} */

static enum tarn_status fail_unset(struct tarn_op *op, const struct tarn__env *env,
                                   const struct tarn_yaml *node, struct tarn_str name)
{
    enum tarn_status status =
        tarn_yaml_fail(op, node, "environment variable %.*s is not set", TARN_STR_ARG(name));
    for (size_t i = 0; i < env->example.count; i++)
        if (tarn_str_eq(env->example.items[i].key, name)) {
            tarn_hint(op, "copy .env.example to .env: it sets %.*s", TARN_STR_ARG(name));
            return status;
        }
    tarn_hint(op, "set %.*s in the environment or in the project's .env, or write ${%.*s:-default}",
              TARN_STR_ARG(name), TARN_STR_ARG(name));
    return status;
}

static bool word_ok(struct tarn_str s, const char *more)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.ptr[i]) && s.ptr[i] != '_' && !strchr(more, s.ptr[i]))
            return false;
    return s.len > 0 && s.ptr[0] != '.' && s.len <= 200;
}

static enum tarn_status secret_keep(struct tarn_op *op, struct tarn__expand *x,
                                    struct tarn_str value)
{
    if (value.len == 0)
        return TARN_OK;
    if (x->secret_count == x->secret_cap) {
        struct tarn_str *grown;
        x->secret_cap = x->secret_cap ? x->secret_cap * 2 : 8;
        TARN_NEW_ARRAY(op, grown, x->secret_cap);
        if (x->secret_count)
            memcpy(grown, x->secrets, x->secret_count * sizeof *grown);
        x->secrets = grown;
    }
    x->secrets[x->secret_count] = tarn_strdup(op, value);
    return x->secrets[x->secret_count++].ptr ? TARN_OK : TARN_NOMEM;
}

/* The file's text without its final newline; absent when there is no such file. */
static enum tarn_status secret_file(struct tarn_op *op, const struct tarn__env *env,
                                    const struct tarn_yaml *node, struct tarn_str name,
                                    struct tarn_str *out)
{
    struct tarn_str folder = tarn__env_get(env, TARN_STR("TARN_SECRETS_DIR"));
    struct tarn__file file = {0};
    *out = (struct tarn_str){NULL, 0};
    if (folder.len == 0)
        return TARN_OK;
    file.path = tarn_sprintf(op, "%.*s/%.*s", TARN_STR_ARG(folder), TARN_STR_ARG(name));
    if (!file.path.ptr)
        return TARN_NOMEM;
    enum tarn_status status = tarn__file_read(op, "secret", TARN_CONFIG, VALUE_MAX, &file);
    if (status == TARN_NOT_FOUND) {
        tarn_clear(op);
        return TARN_OK;
    }
    if (status != TARN_OK)
        return status == TARN_NOMEM ? status : tarn_yaml_place(op, node);
    *out = file.text;
    if (out->len > 0 && out->ptr[out->len - 1] == '\n')
        out->len--;
    if (out->len > 0 && out->ptr[out->len - 1] == '\r')
        out->len--;
    return TARN_OK;
}

static enum tarn_status put_secret(struct tarn_op *op, struct tarn__expand *x,
                                   const struct tarn_yaml *node, struct tarn_str name,
                                   struct tarn_buf *b)
{
    if (!word_ok(name, ".-"))
        return tarn_yaml_fail(op, node, "\"%.*s\" is no name of a secret", TARN_STR_ARG(name));
    struct tarn_str variable = tarn_sprintf(op, "TARN_SECRET_%.*s", TARN_STR_ARG(name));
    if (!variable.ptr)
        return TARN_NOMEM;
    for (char *p = (char *)variable.ptr; *p; p++)
        *p = (char)(*p == '-' || *p == '.' ? '_' : toupper((unsigned char)*p));
    struct tarn_str value = tarn__env_get(x->env, variable);
    if (!value.ptr)
        TARN_TRY(secret_file(op, x->env, node, name, &value));
    if (!value.ptr) {
        enum tarn_status status =
            tarn_yaml_fail(op, node, "secret \"%.*s\" is not set", TARN_STR_ARG(name));
        tarn_hint(op,
                  "set %s, or put it into the file %.*s in the folder that TARN_SECRETS_DIR names",
                  variable.ptr, TARN_STR_ARG(name));
        return status;
    }
    tarn_buf_str(b, value);
    return secret_keep(op, x, value);
}

/* `inner`: what stands between the braces. */
static enum tarn_status put_variable(struct tarn_op *op, struct tarn__expand *x,
                                     const struct tarn_yaml *node, struct tarn_str inner,
                                     struct tarn_buf *b)
{
    struct tarn_str name = inner, fallback = {NULL, 0};
    if (tarn_str_starts(inner, TARN_STR("secret:")))
        return put_secret(op, x, node, tarn_str_of(inner.ptr + 7, inner.len - 7), b);
    const char *colon = inner.len > 1 ? memmem(inner.ptr, inner.len, ":-", 2) : NULL;
    if (colon) {
        name.len = (size_t)(colon - inner.ptr);
        fallback = tarn_str_of(colon + 2, inner.len - name.len - 2);
    }
    if (!word_ok(name, ""))
        return tarn_yaml_fail(op, node,
                              "\"${%.*s}\" is none of ${NAME}, ${NAME:-default} and ${secret:name}",
                              TARN_STR_ARG(inner));
    struct tarn_str value = tarn__env_get(x->env, name);
    if (value.len == 0 && fallback.ptr)
        value = fallback;
    if (!value.ptr)
        return fail_unset(op, x->env, node, name);
    tarn_buf_str(b, value);
    return TARN_OK;
}

static enum tarn_status expand_into(struct tarn_op *op, struct tarn__expand *x,
                                    const struct tarn_yaml *node, struct tarn_buf *b)
{
    const char *p = node->text.ptr, *end = p + node->text.len;
    while (p < end) {
        size_t left = (size_t)(end - p);
        if (left >= 3 && memcmp(p, "$${", 3) == 0) {
            tarn_buf_z(b, "${");
            p += 3;
        } else if (left >= 2 && memcmp(p, "${", 2) == 0) {
            const char *close = memchr(p, '}', left);
            if (!close)
                return tarn_yaml_fail(op, node,
                                      "\"${\" is not closed; write $${ for the two characters");
            TARN_TRY(put_variable(op, x, node, tarn_str_of(p + 2, (size_t)(close - p) - 2), b));
            p = close + 1;
        } else {
            tarn_buf_put(b, *p++);
        }
    }
    return TARN_OK;
}

static enum tarn_status expand_scalar(struct tarn_op *op, struct tarn__expand *x,
                                      struct tarn_yaml *node)
{
    struct tarn_buf b;
    struct tarn_str text;
    if (!node->text.ptr || !memmem(node->text.ptr, node->text.len, "${", 2))
        return TARN_OK;
    tarn_buf_init(&b, VALUE_MAX);
    enum tarn_status status = expand_into(op, x, node, &b);
    if (status != TARN_OK) {
        tarn_buf_release(&b);
        return status;
    }
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "an expanded setting", &text));
    if (memchr(text.ptr, '\0', text.len))
        return tarn_yaml_fail(op, node, "a setting holds a zero byte");
    node->text = text;
    return TARN_OK;
}

enum tarn_status tarn__expand_tree(struct tarn_op *op, struct tarn__expand *x,
                                   struct tarn_yaml *node)
{
    if (node->kind == TARN_YAML_K_SCALAR)
        return expand_scalar(op, x, node);
    for (struct tarn_yaml *c = node->first; c; c = c->next)
        TARN_TRY(tarn__expand_tree(op, x, c));
    return TARN_OK;
}

/* ---- TARN__SECTION__KEY */

/* Is the key, written as a variable's name, the head of `rest`, with "__" or nothing behind it? */
static bool key_fits(struct tarn_str key, struct tarn_str rest)
{
    if (key.len == 0 || key.len > rest.len)
        return false;
    for (size_t i = 0; i < key.len; i++) {
        char k = key.ptr[i] == '-' ? '_' : (char)toupper((unsigned char)key.ptr[i]);
        if (k != toupper((unsigned char)rest.ptr[i]))
            return false;
    }
    if (key.len == rest.len)
        return true;
    return rest.len > key.len + 2 && memcmp(rest.ptr + key.len, "__", 2) == 0;
}

static struct tarn_yaml *child_for(const struct tarn_yaml *mapping, struct tarn_str rest)
{
    struct tarn_yaml *best = NULL;
    for (struct tarn_yaml *c = mapping->first; c; c = c->next)
        if (key_fits(c->key, rest) && (!best || c->key.len > best->key.len))
            best = c;
    return best;
}

/* A key that tarn.yaml does not have: its place is the variable. */
static enum tarn_status child_new(struct tarn_op *op, struct tarn_yaml *mapping,
                                  const struct tarn_yaml_source *source, struct tarn_str rest,
                                  struct tarn_yaml **out)
{
    struct tarn_yaml *node, **end = &mapping->first;
    const char *cut = rest.len > 2 ? memmem(rest.ptr, rest.len, "__", 2) : NULL;
    struct tarn_str key = cut ? tarn_str_of(rest.ptr, (size_t)(cut - rest.ptr)) : rest;
    TARN_NEW(op, node);
    node->key = tarn_strdup(op, key);
    if (!node->key.ptr)
        return TARN_NOMEM;
    for (char *p = (char *)node->key.ptr; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    node->kind = TARN_YAML_K_MAPPING;
    node->source = source;
    node->line = node->column = node->key_line = node->key_column = 1;
    node->parent = mapping;
    while (*end)
        end = &(*end)->next;
    *end = node;
    mapping->count++;
    *out = node;
    return TARN_OK;
}

static enum tarn_status override_set(struct tarn_op *op, struct tarn_yaml *node,
                                     const struct tarn_yaml_source *source, struct tarn_str value)
{
    bool fresh = node->source == source;
    if (!fresh && (node->kind == TARN_YAML_K_SEQUENCE ||
                   (node->kind == TARN_YAML_K_MAPPING && node->count > 0)))
        return tarn_fail(op, TARN_CONFIG,
                         "%.*s names a whole section of the profile, not one setting",
                         TARN_STR_ARG(source->file));
    node->kind = TARN_YAML_K_SCALAR;
    node->plain = false;
    node->text = tarn_strdup(op, value);
    node->source = source;
    node->line = node->column = 1;
    return node->text.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status override_one(struct tarn_op *op, struct tarn_yaml *profile,
                                     struct tarn_str variable, struct tarn_str value)
{
    struct tarn_yaml_source *source;
    struct tarn_yaml *node = profile;
    struct tarn_str rest =
        tarn_str_of(variable.ptr + sizeof OVERRIDE - 1, variable.len - (sizeof OVERRIDE - 1));
    TARN_NEW(op, source);
    source->file = tarn_sprintf(op, "environment variable %.*s", TARN_STR_ARG(variable));
    source->text = TARN_STR(""); /* the value may be a secret: no line for a caret */
    if (!source->file.ptr)
        return TARN_NOMEM;
    if (rest.len == 0 || tarn_str_starts(rest, TARN_STR("_")) || tarn_str_ends(rest, TARN_STR("_")))
        return tarn_fail(op, TARN_CONFIG, "%.*s names no setting of the profile",
                         TARN_STR_ARG(source->file));
    for (int depth = 0; rest.len > 0; depth++) {
        if (tarn_yaml_is_null(node))
            node->kind = TARN_YAML_K_MAPPING;
        if (node->kind != TARN_YAML_K_MAPPING || depth == OVERRIDE_KEYS)
            return tarn_fail(op, TARN_CONFIG, "%.*s goes deeper than the profile's settings",
                             TARN_STR_ARG(source->file));
        struct tarn_yaml *child = child_for(node, rest);
        if (!child)
            TARN_TRY(child_new(op, node, source, rest, &child));
        size_t used = child->key.len + 2 < rest.len ? child->key.len + 2 : rest.len;
        rest = tarn_str_of(rest.ptr + used, rest.len - used);
        node = child;
    }
    return override_set(op, node, source, value);
}

enum tarn_status tarn__override_tree(struct tarn_op *op, const struct tarn__env *env,
                                     struct tarn_yaml *profile)
{
    struct tarn_str prefix = TARN_STR(OVERRIDE);
    for (size_t i = 0; i < env->file.count; i++) {
        const struct tarn_kv *kv = &env->file.items[i];
        if (tarn_str_starts(kv->key, prefix) && !tarn__env_process_get(env->process, kv->key).ptr)
            TARN_TRY(override_one(op, profile, kv->key, kv->value));
    }
    for (const char *const *p = env->process; p && *p; p++) {
        struct tarn_str value = tarn_str_view(*p), name;
        if (tarn_str_starts(value, prefix) && tarn_str_cut(&value, '=', &name))
            TARN_TRY(override_one(op, profile, name, value));
    }
    return TARN_OK;
}
