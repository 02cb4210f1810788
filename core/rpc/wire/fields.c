/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - see fields.h. A record is an array of entries; look-ups are linear, because even the
 * largest record of the API has less than a hundred. */
#include "core/rpc/wire/fields.h"

#include "core/base/secret.h"

#include <string.h>

union value {
    uint64_t number; /* bool, u32, u64 */
    int64_t ms;
    struct ip ip;
    struct {
        void *at; /* text and bytes; a NUL follows */
        size_t len;
    } bytes;
    struct record *record;
};

struct entry {
    char *name;
    enum rpc_type type;
    bool is_array;
    unsigned n, cap;
    union value *values;
};

struct record {
    GPtrArray *entries;
};

static const struct {
    const char *end;
    enum rpc_type type;
} type_ends[] = {
    {"_bool", RPC_BOOL}, {"_u32", RPC_U32}, {"_u64", RPC_U64}, {"_str", RPC_STR},
    {"_utf", RPC_UTF},   {"_bin", RPC_BIN}, {"_dt", RPC_DT},   {"_ip", RPC_IP},
};

enum rpc_type
rpc_type_of(const char *name)
{
    if (!name[0])
        return RPC_NO_TYPE;
    for (size_t i = 0; i < ARRAY_LEN(type_ends); i++)
        if (g_str_has_suffix(name, type_ends[i].end))
            return strlen(name) > strlen(type_ends[i].end) ? type_ends[i].type : RPC_NO_TYPE;
    for (const char *p = name; *p; p++)
        if (!g_ascii_isalnum(*p))
            return RPC_NO_TYPE;
    return RPC_LIST;
}

static void
value_clear(enum rpc_type type, union value *v)
{
    if (type == RPC_LIST) {
        record_free(v->record);
    } else if (type == RPC_STR || type == RPC_UTF || type == RPC_BIN) {
        secret_wipe(v->bytes.at, v->bytes.len);
        g_free(v->bytes.at);
    }
    memset(v, 0, sizeof(*v));
}

static void
entry_clear_values(struct entry *e)
{
    for (unsigned i = 0; i < e->n; i++)
        value_clear(e->type, &e->values[i]);
    e->n = 0;
}

static void
entry_free(void *data)
{
    struct entry *e = data;

    entry_clear_values(e);
    g_free(e->values);
    g_free(e->name);
    g_free(e);
}

struct record *
record_new(void)
{
    struct record *r = g_new0(struct record, 1);

    r->entries = g_ptr_array_new_with_free_func(entry_free);
    return r;
}

void
record_free(struct record *r)
{
    if (!r)
        return;
    g_ptr_array_unref(r->entries);
    g_free(r);
}

static struct entry *
find(const struct record *r, const char *name)
{
    for (unsigned i = 0; i < r->entries->len; i++) {
        struct entry *e = g_ptr_array_index(r->entries, i);
        if (strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

static struct entry *
find_or_make(struct record *r, const char *name)
{
    struct entry *e = find(r, name);

    if (e)
        return e;
    e = g_new0(struct entry, 1);
    e->name = g_strdup(name);
    e->type = rpc_type_of(name);
    g_assert(e->type != RPC_NO_TYPE);
    g_ptr_array_add(r->entries, e);
    return e;
}

/* Room for one more value at the end, zeroed. */
static union value *
grow(struct entry *e)
{
    if (e->n == e->cap) {
        e->cap = e->cap ? e->cap * 2 : 1;
        e->values = g_renew(union value, e->values, e->cap);
    }
    memset(&e->values[e->n], 0, sizeof(e->values[0]));
    return &e->values[e->n++];
}

/* The place of the single value of that name, which must have that type. */
static union value *
put(struct record *r, const char *name, enum rpc_type type)
{
    struct entry *e = find_or_make(r, name);

    g_assert(e->type == type);
    entry_clear_values(e);
    e->is_array = false;
    return grow(e);
}

static union value *
put_more(struct record *r, const char *name, enum rpc_type type)
{
    struct entry *e = find_or_make(r, name);

    g_assert(e->type == type);
    if (!e->is_array)
        entry_clear_values(e);
    e->is_array = true;
    return grow(e);
}

void
record_set_bool(struct record *r, const char *name, bool v)
{
    put(r, name, RPC_BOOL)->number = v;
}

void
record_set_u32(struct record *r, const char *name, uint32_t v)
{
    put(r, name, RPC_U32)->number = v;
}

void
record_set_u64(struct record *r, const char *name, uint64_t v)
{
    put(r, name, RPC_U64)->number = v;
}

static enum rpc_type
text_type(const char *name)
{
    return rpc_type_of(name) == RPC_UTF ? RPC_UTF : RPC_STR;
}

static void
value_from_text(union value *v, const char *text)
{
    v->bytes.at = g_utf8_make_valid(text ? text : "", -1);
    v->bytes.len = strlen(v->bytes.at);
}

void
record_set_text(struct record *r, const char *name, const char *text)
{
    char *copy = g_utf8_make_valid(text ? text : "", -1); /* text may be the value replaced */

    union value *v = put(r, name, text_type(name));
    v->bytes.at = copy;
    v->bytes.len = strlen(copy);
}

static void
value_from_bytes(union value *v, const void *bytes, size_t len)
{
    char *copy = g_malloc(len + 1);

    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = 0;
    v->bytes.at = copy;
    v->bytes.len = len;
}

void
record_set_bin(struct record *r, const char *name, const void *bytes, size_t len)
{
    union value made;

    value_from_bytes(&made, bytes, len);
    *put(r, name, RPC_BIN) = made;
}

void
record_set_dt(struct record *r, const char *name, int64_t ms)
{
    put(r, name, RPC_DT)->ms = ms;
}

void
record_set_ip(struct record *r, const char *name, const struct ip *ip)
{
    struct ip copy = *ip;

    put(r, name, RPC_IP)->ip = copy;
}

void
record_append_u32(struct record *r, const char *name, uint32_t v)
{
    put_more(r, name, RPC_U32)->number = v;
}

void
record_append_text(struct record *r, const char *name, const char *text)
{
    value_from_text(put_more(r, name, text_type(name)), text);
}

void
record_append_bin(struct record *r, const char *name, const void *bytes, size_t len)
{
    value_from_bytes(put_more(r, name, RPC_BIN), bytes, len);
}

void
record_make_array(struct record *r, const char *name)
{
    find_or_make(r, name)->is_array = true;
}

struct record *
record_append(struct record *r, const char *list)
{
    struct record *made = record_new();

    put_more(r, list, RPC_LIST)->record = made;
    return made;
}

void
record_remove(struct record *r, const char *name)
{
    struct entry *e = find(r, name);

    if (e)
        g_ptr_array_remove(r->entries, e);
}

/* The i-th value if it is there and of that type. */
static const union value *
get(const struct record *r, const char *name, enum rpc_type type, unsigned i)
{
    const struct entry *e = find(r, name);

    return e && e->type == type && i < e->n ? &e->values[i] : NULL;
}

bool
record_has(const struct record *r, const char *name)
{
    return find(r, name) != NULL;
}

bool
record_bool(const struct record *r, const char *name)
{
    const union value *v = get(r, name, RPC_BOOL, 0);

    return v && v->number != 0;
}

uint32_t
record_u32(const struct record *r, const char *name)
{
    return record_u32_at(r, name, 0);
}

uint32_t
record_u32_at(const struct record *r, const char *name, unsigned i)
{
    const union value *v = get(r, name, RPC_U32, i);

    return v ? (uint32_t)v->number : 0;
}

uint64_t
record_u64(const struct record *r, const char *name)
{
    const union value *v = get(r, name, RPC_U64, 0);

    return v ? v->number : 0;
}

const char *
record_text(const struct record *r, const char *name)
{
    return record_text_at(r, name, 0);
}

const char *
record_text_at(const struct record *r, const char *name, unsigned i)
{
    const union value *v = get(r, name, text_type(name), i);

    return v ? v->bytes.at : "";
}

const void *
record_bin(const struct record *r, const char *name, size_t *len)
{
    return record_bin_at(r, name, 0, len);
}

const void *
record_bin_at(const struct record *r, const char *name, unsigned i, size_t *len)
{
    const union value *v = get(r, name, RPC_BIN, i);

    *len = v ? v->bytes.len : 0;
    return v ? v->bytes.at : "";
}

int64_t
record_dt(const struct record *r, const char *name)
{
    const union value *v = get(r, name, RPC_DT, 0);

    return v ? v->ms : 0;
}

struct ip
record_ip(const struct record *r, const char *name)
{
    const union value *v = get(r, name, RPC_IP, 0);

    return v ? v->ip : (struct ip){0};
}

unsigned
record_count(const struct record *r, const char *name)
{
    const struct entry *e = find(r, name);

    return e ? e->n : 0;
}

bool
record_is_array(const struct record *r, const char *name)
{
    const struct entry *e = find(r, name);

    return e && (e->is_array || e->type == RPC_LIST);
}

struct record *
record_at(const struct record *r, const char *list, unsigned i)
{
    const union value *v = get(r, list, RPC_LIST, i);

    return v ? v->record : NULL;
}

const char *
record_name(const struct record *r, unsigned i)
{
    if (i >= r->entries->len)
        return NULL;
    const struct entry *e = g_ptr_array_index(r->entries, i);
    return e->name;
}

size_t
record_size(const struct record *r)
{
    size_t sum = 0;

    for (unsigned i = 0; i < r->entries->len; i++) {
        const struct entry *e = g_ptr_array_index(r->entries, i);
        sum += e->n;
        for (unsigned k = 0; e->type == RPC_LIST && k < e->n; k++)
            sum += record_size(e->values[k].record);
    }
    return sum;
}

static void
copy_value(struct record *to, const struct entry *e, unsigned i)
{
    const union value *v = &e->values[i];

    if (e->type == RPC_LIST) {
        struct record *row = record_append(to, e->name);
        for (unsigned k = 0; record_name(v->record, k); k++)
            record_copy(row, v->record, record_name(v->record, k));
        return;
    }
    union value *made = e->is_array ? put_more(to, e->name, e->type) : put(to, e->name, e->type);
    if (e->type == RPC_STR || e->type == RPC_UTF || e->type == RPC_BIN)
        value_from_bytes(made, v->bytes.at, v->bytes.len);
    else
        *made = *v;
}

void
record_copy(struct record *to, const struct record *from, const char *name)
{
    const struct entry *e = find(from, name);

    if (!e)
        return;
    record_remove(to, name);
    if (e->is_array)
        record_make_array(to, name);
    for (unsigned i = 0; i < e->n; i++)
        copy_value(to, e, i);
}
