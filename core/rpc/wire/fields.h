/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - the values that a method of the administration API takes and gives.
 *
 * A record is an ordered set of named values. The type of a value is in the end of its name, as the
 * API has it: _bool, _u32, _u64, _str, _utf, _bin, _dt, _ip; a name without such an end is a list
 * of records. A value may also be an array of one type (Ports_u32). Getters never fail: a missing
 * value reads as false, 0, "" or nothing, as the API prescribes; record_has() tells the difference.
 * A record owns what is in it and wipes it when it is freed. Names compare exactly.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/types.h"

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rpc_type {
    RPC_NO_TYPE, /* not a name of the API */
    RPC_BOOL,
    RPC_U32,
    RPC_U64,
    RPC_STR, /* text; ASCII by habit, UTF-8 is let through */
    RPC_UTF, /* text in UTF-8 */
    RPC_BIN, /* bytes */
    RPC_DT,  /* milliseconds since 1970 UTC; 0 is "never" */
    RPC_IP,
    RPC_LIST, /* records */
};

/* By the end of the name. RPC_LIST when it has none of the ends and looks like a name at all. */
enum rpc_type rpc_type_of(const char *name);

struct record;

struct record *record_new(void);
void record_free(struct record *r); /* NULL is fine */
typedef struct record record_t;     /* for g_autoptr() only */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(record_t, record_free)

/* Setters replace. A name of another type is a mistake of ours (assert). Text that is not valid
 * UTF-8 is made so; NULL reads as "". */
void record_set_bool(struct record *r, const char *name, bool v);
void record_set_u32(struct record *r, const char *name, uint32_t v);
void record_set_u64(struct record *r, const char *name, uint64_t v);
void record_set_text(struct record *r, const char *name, const char *text); /* _str and _utf */
void record_set_bin(struct record *r, const char *name, const void *bytes, size_t len);
void record_set_dt(struct record *r, const char *name, int64_t ms);
void record_set_ip(struct record *r, const char *name, const struct ip *ip);
/* One more value of an array. */
void record_append_u32(struct record *r, const char *name, uint32_t v);
void record_append_text(struct record *r, const char *name, const char *text);
void record_append_bin(struct record *r, const char *name, const void *bytes, size_t len);
/* An empty array or list, unless it is there. */
void record_make_array(struct record *r, const char *name);
/* A new record at the end of a list. Borrowed. */
struct record *record_append(struct record *r, const char *list);
void record_remove(struct record *r, const char *name);

bool record_has(const struct record *r, const char *name);
bool record_bool(const struct record *r, const char *name);
uint32_t record_u32(const struct record *r, const char *name);
uint64_t record_u64(const struct record *r, const char *name);
const char *record_text(const struct record *r, const char *name); /* borrowed, never NULL */
/* Borrowed; *len 0 and not NULL when there is nothing. */
const void *record_bin(const struct record *r, const char *name, size_t *len);
int64_t record_dt(const struct record *r, const char *name);
struct ip record_ip(const struct record *r, const char *name); /* family 0 when missing */

/* How many values: 0 when missing, 1 for a plain value. */
unsigned record_count(const struct record *r, const char *name);
bool record_is_array(const struct record *r, const char *name);
uint32_t record_u32_at(const struct record *r, const char *name, unsigned i);
const char *record_text_at(const struct record *r, const char *name, unsigned i);
const void *record_bin_at(const struct record *r, const char *name, unsigned i, size_t *len);
/* Borrowed; NULL past the end. */
struct record *record_at(const struct record *r, const char *list, unsigned i);

/* Names in order; NULL past the end. */
const char *record_name(const struct record *r, unsigned i);
/* Values of all kinds in it and below. */
size_t record_size(const struct record *r);

/* Copies one value of that name, if it is there. */
void record_copy(struct record *to, const struct record *from, const char *name);
