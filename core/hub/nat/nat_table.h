/* SPDX-License-Identifier: Apache-2.0 */
/* nat_table.h - nodes by the ends of a flow. Hashed with a secret key, so that nobody can choose
 * ports and addresses that all fall into one chain. One thread.
 */
#pragma once

#include "core/base/types.h"

#include <stdbool.h>
#include <stdint.h>

/* Compared and hashed as it lies in memory: unused bytes are zero. */
struct nat_key {
    uint8_t src[16], dst[16]; /* an IPv4 address in the first four */
    uint16_t sport, dport;
    uint8_t proto;
    uint8_t version; /* 4 or 6 */
    uint8_t zero[2];
};

/* Embedded. */
struct nat_node {
    struct nat_node *next;
    uint64_t hash;
    struct nat_key key;
};

struct nat_table {
    struct nat_node **bucket; /* owned */
    uint32_t n_buckets;       /* a power of two */
    uint32_t n;
    uint64_t secret[2];
};

void nat_table_init(struct nat_table *t);
/* It is empty. */
void nat_table_done(struct nat_table *t);
struct nat_node *nat_table_find(const struct nat_table *t, const struct nat_key *key);
/* node->key is set, and not in the table yet. */
void nat_table_add(struct nat_table *t, struct nat_node *node);
void nat_table_remove(struct nat_table *t, struct nat_node *node);
/* Any node, or NULL: for emptying it. */
struct nat_node *nat_table_any(const struct nat_table *t);
void nat_table_each(const struct nat_table *t, void (*fn)(struct nat_node *node, void *data),
                    void *data);

/* SipHash-2-4 of a key. */
uint64_t nat_hash(const struct nat_key *key, const uint64_t secret[2]);
