/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - PACK, SE-VPN's typed dictionary of named value lists (docs/protocols/sevpn.md, "PACK").
 *
 * Names are 1 to 63 characters and compare without case; all values of an element have one type. A
 * pack owns what is in it. Getters never fail loudly: a missing element, a wrong type or an index
 * past the end reads as 0, "" or an empty slice, as the protocol prescribes; pack_has() tells the
 * difference. Memory is bounded by what is really there, never by a declared count.
 */
#pragma once

#include "core/base/reader.h"
#include "core/base/types.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pack_type { PACK_INT = 0, PACK_DATA = 1, PACK_STR = 2, PACK_UNISTR = 3, PACK_INT64 = 4 };

struct pack_limits {
    unsigned elements;
    unsigned values; /* of one element */
    size_t total;    /* bytes of the whole */
};
extern const struct pack_limits pack_limits_login; /* 1024, 1024, 64 KiB */
extern const struct pack_limits pack_limits_admin; /* 65536, 65536, 16 MiB */

struct pack;

struct pack *pack_new(void);
void pack_free(struct pack *p); /* wipes; NULL is fine */
/* NULL when it is not a PACK, is over a limit, has a duplicate name, or leaves bytes over. */
struct pack *pack_parse(struct reader in, const struct pack_limits *limits) MUST_CHECK;
/* Appends the serialised form. */
void pack_serialise(const struct pack *p, GByteArray *out);

/* Adders append one value to the element of that name, making it if it is new. Adding a value of
 * another type than the element has is a mistake of ours (assert). */
void pack_add_int(struct pack *p, const char *name, uint32_t v);
void pack_add_int64(struct pack *p, const char *name, uint64_t v);
void pack_add_str(struct pack *p, const char *name, const char *text);
void pack_add_unistr(struct pack *p, const char *name, const char *utf8);
void pack_add_data(struct pack *p, const char *name, const void *bytes, size_t len);
/* The four elements of an "ip": NAME, NAME@ipv6_bool, NAME@ipv6_array, NAME@ipv6_scope_id. */
struct ip;
void pack_add_ip(struct pack *p, const char *name, const struct ip *ip);

unsigned pack_count(const struct pack *p, const char *name); /* values; 0 when absent */
bool pack_has(const struct pack *p, const char *name);
bool pack_type_of(const struct pack *p, const char *name, enum pack_type *out);
uint32_t pack_int_at(const struct pack *p, const char *name, unsigned i);
uint64_t pack_int64_at(const struct pack *p, const char *name, unsigned i);
/* Borrowed, NUL-terminated, "" when absent; str and unistr both. Valid UTF-8 is not promised for
 * str. */
const char *pack_str_at(const struct pack *p, const char *name, unsigned i);
/* Borrowed. */
struct reader pack_data_at(const struct pack *p, const char *name, unsigned i);
bool pack_ip(const struct pack *p, const char *name, struct ip *out) MUST_CHECK;

static inline uint32_t
pack_int(const struct pack *p, const char *name)
{
    return pack_int_at(p, name, 0);
}

static inline uint64_t
pack_int64(const struct pack *p, const char *name)
{
    return pack_int64_at(p, name, 0);
}

static inline const char *
pack_str(const struct pack *p, const char *name)
{
    return pack_str_at(p, name, 0);
}

static inline struct reader
pack_data(const struct pack *p, const char *name)
{
    return pack_data_at(p, name, 0);
}

/* Names in order of addition, for tools and tests: NULL past the end. */
const char *pack_name(const struct pack *p, unsigned i);
