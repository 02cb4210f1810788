/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - see pack.h.
 *
 *   PACK    := count:u32 ELEMENT*
 *   ELEMENT := name length + 1:u32  name  type:u32  values:u32  VALUE*
 *
 * An element keeps all its values in one buffer: numbers as such, the others each followed by a
 * NUL, and beside it where each begins. So a value costs little more than it does on the wire. A
 * buffer that moves while it grows is wiped, since passwords travel in packs.
 */

#include "core/base/pack.h"

#include "core/base/addr.h"
#include "core/base/secret.h"

#include <string.h>

enum { NAME_MAX_LEN = 63 };

const struct pack_limits pack_limits_login = {1024, 1024, 65536};
const struct pack_limits pack_limits_admin = {65536, 65536, 16 * 1024 * 1024};

struct buffer {
    uint8_t *data; /* owned */
    size_t len, cap;
};

struct element {
    char name[NAME_MAX_LEN + 1];
    enum pack_type type;
    unsigned n; /* values */
    struct buffer bytes;
    GArray *starts; /* of uint32_t: where in bytes each value begins; NULL for numbers */
};

struct pack {
    GPtrArray *elements; /* of struct element, owned, in order */
    GHashTable *by_name; /* name in lower case -> struct element */
};

static void
buffer_done(struct buffer *b)
{
    if (b->data)
        secret_wipe(b->data, b->len);
    g_free(b->data);
}

static void
buffer_append(struct buffer *b, const void *bytes, size_t n)
{
    g_assert(n <= UINT32_MAX - b->len);
    if (n == 0)
        return;
    if (n > b->cap - b->len) {
        size_t cap = MAX(2 * b->cap, b->len + n);
        struct buffer grown = {.data = g_malloc(cap), .len = b->len, .cap = cap};
        if (b->len > 0)
            memcpy(grown.data, b->data, b->len);
        buffer_done(b);
        *b = grown;
    }
    memcpy(b->data + b->len, bytes, n);
    b->len += n;
}

static void
element_free(gpointer data)
{
    struct element *e = data;

    buffer_done(&e->bytes);
    if (e->starts)
        g_array_unref(e->starts);
    g_free(e);
}

static size_t
number_size(enum pack_type type)
{
    return type == PACK_INT ? sizeof(uint32_t) : sizeof(uint64_t);
}

static bool
is_number(enum pack_type type)
{
    return type == PACK_INT || type == PACK_INT64;
}

struct pack *
pack_new(void)
{
    struct pack *p = g_new(struct pack, 1);

    p->elements = g_ptr_array_new_with_free_func(element_free);
    p->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return p;
}

void
pack_free(struct pack *p)
{
    if (!p)
        return;
    g_hash_table_unref(p->by_name);
    g_ptr_array_unref(p->elements);
    g_free(p);
}

static struct element *
find(const struct pack *p, const char *name)
{
    char lower[NAME_MAX_LEN + 1];
    size_t n = strlen(name);

    if (n > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        lower[i] = g_ascii_tolower(name[i]);
    return g_hash_table_lookup(p->by_name, lower);
}

static struct element *
new_element(struct pack *p, const char *name, enum pack_type type)
{
    struct element *e = g_new0(struct element, 1);

    (void)g_strlcpy(e->name, name, sizeof(e->name));
    e->type = type;
    if (!is_number(type))
        e->starts = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_ptr_array_add(p->elements, e);
    g_hash_table_insert(p->by_name, g_ascii_strdown(name, -1), e);
    return e;
}

static void
add_number(struct element *e, uint64_t number)
{
    uint32_t half = (uint32_t)number;

    if (e->type == PACK_INT)
        buffer_append(&e->bytes, &half, sizeof(half));
    else
        buffer_append(&e->bytes, &number, sizeof(number));
    e->n++;
}

static uint64_t
number_at(const struct element *e, unsigned i)
{
    const uint8_t *at = e->bytes.data + i * number_size(e->type);
    uint64_t number = 0;
    uint32_t half = 0;

    if (e->type == PACK_INT64) {
        memcpy(&number, at, sizeof(number));
        return number;
    }
    memcpy(&half, at, sizeof(half));
    return half;
}

static void
add_bytes(struct element *e, const void *bytes, size_t len)
{
    uint32_t start = (uint32_t)e->bytes.len;

    buffer_append(&e->bytes, bytes, len);
    buffer_append(&e->bytes, "", 1);
    g_array_append_val(e->starts, start);
    e->n++;
}

/* The bytes of one value; a NUL follows them. */
static struct reader
bytes_at(const struct element *e, unsigned i)
{
    size_t start = g_array_index(e->starts, uint32_t, i);
    size_t end = i + 1 < e->n ? g_array_index(e->starts, uint32_t, i + 1) : e->bytes.len;

    return (struct reader){.at = e->bytes.data + start, .left = end - start - 1};
}

/* ---- parsing ---- */

static bool
parse_value(struct reader *in, struct element *e)
{
    uint32_t len;
    const uint8_t *bytes;

    switch (e->type) {
    case PACK_INT:
        add_number(e, reader_u32(in));
        return reader_ok(in);
    case PACK_INT64:
        add_number(e, reader_u64(in));
        return reader_ok(in);
    case PACK_DATA:
    case PACK_STR:
    case PACK_UNISTR:
        len = reader_u32(in);
        bytes = reader_take(in, len);
        if (!bytes)
            return false;
        if (e->type != PACK_DATA) { /* text ends at its first NUL, whatever its length says */
            const uint8_t *nul = memchr(bytes, 0, len);
            len = nul ? (uint32_t)(nul - bytes) : len;
        }
        add_bytes(e, bytes, len);
        return true;
    }
    return false;
}

static bool
parse_element(struct reader *in, struct pack *p, const struct pack_limits *limits)
{
    char name[NAME_MAX_LEN + 1];
    uint32_t name_size = reader_u32(in);

    if (name_size < 2)
        return false;
    const uint8_t *bytes = reader_take(in, name_size - 1);
    if (!bytes || memchr(bytes, 0, name_size - 1))
        return false;
    size_t kept = MIN(name_size - 1, NAME_MAX_LEN);
    memcpy(name, bytes, kept);
    name[kept] = '\0';

    uint32_t type = reader_u32(in);
    uint32_t values = reader_u32(in);
    if (!reader_ok(in) || type > PACK_INT64 || values == 0 || values > limits->values ||
        find(p, name))
        return false;
    struct element *e = new_element(p, name, (enum pack_type)type);
    for (uint32_t i = 0; i < values; i++) { /* each takes at least four bytes of what is there */
        if (!parse_value(in, e))
            return false;
    }
    return true;
}

struct pack *
pack_parse(struct reader in, const struct pack_limits *limits)
{
    if (in.left > limits->total)
        return NULL;
    uint32_t count = reader_u32(&in);
    if (!reader_ok(&in) || count > limits->elements)
        return NULL;

    struct pack *p = pack_new();
    for (uint32_t i = 0; i < count; i++) {
        if (!parse_element(&in, p, limits)) {
            pack_free(p);
            return NULL;
        }
    }
    if (in.left > 0) {
        pack_free(p);
        return NULL;
    }
    return p;
}

/* ---- serialising ---- */

static void
put_u32(GByteArray *out, uint32_t v)
{
    guint32 wire = GUINT32_TO_BE(v);

    g_byte_array_append(out, (const guint8 *)&wire, sizeof(wire));
}

static void
put_value(GByteArray *out, const struct element *e, unsigned i)
{
    if (is_number(e->type)) {
        uint64_t number = number_at(e, i);
        if (e->type == PACK_INT64)
            put_u32(out, (uint32_t)(number >> 32));
        put_u32(out, (uint32_t)number);
        return;
    }
    struct reader v = bytes_at(e, i);
    unsigned nul = e->type == PACK_UNISTR; /* is there in any case, and counts in a unistr */
    put_u32(out, (uint32_t)v.left + nul);
    g_byte_array_append(out, v.at, (guint)v.left + nul);
}

void
pack_serialise(const struct pack *p, GByteArray *out)
{
    put_u32(out, p->elements->len);
    for (guint i = 0; i < p->elements->len; i++) {
        const struct element *e = g_ptr_array_index(p->elements, i);
        size_t name_len = strlen(e->name);
        put_u32(out, (uint32_t)name_len + 1);
        g_byte_array_append(out, (const guint8 *)e->name, (guint)name_len);
        put_u32(out, e->type);
        put_u32(out, e->n);
        for (unsigned k = 0; k < e->n; k++)
            put_value(out, e, k);
    }
}

/* ---- building ---- */

static struct element *
element_for(struct pack *p, const char *name, enum pack_type type)
{
    struct element *e = find(p, name);

    g_assert(name[0] != '\0' && strlen(name) <= NAME_MAX_LEN);
    if (!e)
        return new_element(p, name, type);
    g_assert(e->type == type);
    return e;
}

void
pack_add_int(struct pack *p, const char *name, uint32_t v)
{
    add_number(element_for(p, name, PACK_INT), v);
}

void
pack_add_int64(struct pack *p, const char *name, uint64_t v)
{
    add_number(element_for(p, name, PACK_INT64), v);
}

void
pack_add_str(struct pack *p, const char *name, const char *text)
{
    add_bytes(element_for(p, name, PACK_STR), text, strlen(text));
}

void
pack_add_unistr(struct pack *p, const char *name, const char *utf8)
{
    add_bytes(element_for(p, name, PACK_UNISTR), utf8, strlen(utf8));
}

void
pack_add_data(struct pack *p, const char *name, const void *bytes, size_t len)
{
    add_bytes(element_for(p, name, PACK_DATA), bytes, len);
}

/* An IPv4 address travels with its bytes turned round, as an integer. */
void
pack_add_ip(struct pack *p, const char *name, const struct ip *ip)
{
    bool v6 = ip->family == 6;
    uint8_t array[16] = {0};
    g_autofree char *is_v6 = g_strconcat(name, "@ipv6_bool", NULL);
    g_autofree char *bytes = g_strconcat(name, "@ipv6_array", NULL);
    g_autofree char *scope = g_strconcat(name, "@ipv6_scope_id", NULL);

    if (v6)
        memcpy(array, ip->b, sizeof(array));
    pack_add_int(p, is_v6, v6);
    pack_add_data(p, bytes, array, sizeof(array));
    pack_add_int(p, scope, 0);
    pack_add_int(p, name, v6 ? 0 : GUINT32_SWAP_LE_BE(ip_to_v4(ip)));
}

/* ---- reading ---- */

/* The element, if it has an i-th value and is of that type. */
static const struct element *
holder(const struct pack *p, const char *name, enum pack_type type, unsigned i)
{
    const struct element *e = find(p, name);

    return e && e->type == type && i < e->n ? e : NULL;
}

unsigned
pack_count(const struct pack *p, const char *name)
{
    const struct element *e = find(p, name);

    return e ? e->n : 0;
}

bool
pack_has(const struct pack *p, const char *name)
{
    return find(p, name) != NULL;
}

bool
pack_type_of(const struct pack *p, const char *name, enum pack_type *out)
{
    const struct element *e = find(p, name);

    if (e)
        *out = e->type;
    return e != NULL;
}

uint32_t
pack_int_at(const struct pack *p, const char *name, unsigned i)
{
    const struct element *e = holder(p, name, PACK_INT, i);

    return e ? (uint32_t)number_at(e, i) : 0;
}

uint64_t
pack_int64_at(const struct pack *p, const char *name, unsigned i)
{
    const struct element *e = holder(p, name, PACK_INT64, i);

    return e ? number_at(e, i) : 0;
}

const char *
pack_str_at(const struct pack *p, const char *name, unsigned i)
{
    const struct element *e = holder(p, name, PACK_STR, i);

    if (!e)
        e = holder(p, name, PACK_UNISTR, i);
    return e ? (const char *)bytes_at(e, i).at : "";
}

struct reader
pack_data_at(const struct pack *p, const char *name, unsigned i)
{
    const struct element *e = holder(p, name, PACK_DATA, i);

    return e ? bytes_at(e, i) : reader_of(NULL, 0);
}

bool
pack_ip(const struct pack *p, const char *name, struct ip *out)
{
    g_autofree char *is_v6 = g_strconcat(name, "@ipv6_bool", NULL);
    g_autofree char *bytes = g_strconcat(name, "@ipv6_array", NULL);

    if (pack_int(p, is_v6) != 0) {
        struct reader array = pack_data(p, bytes);
        if (array.left != 16)
            return false;
        struct ip v6 = {.family = 6};
        reader_copy(&array, v6.b, sizeof(v6.b));
        *out = v6;
        return true;
    }
    if (!pack_has(p, name))
        return false;
    *out = ip_from_v4(GUINT32_SWAP_LE_BE(pack_int(p, name)));
    return true;
}

const char *
pack_name(const struct pack *p, unsigned i)
{
    return i < p->elements->len ? ((const struct element *)g_ptr_array_index(p->elements, i))->name
                                : NULL;
}
