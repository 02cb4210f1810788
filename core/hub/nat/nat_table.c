/* SPDX-License-Identifier: Apache-2.0 */
/* nat_table.c - see nat_table.h. */

#include "core/hub/nat/nat_table.h"

#include "core/base/random.h"

#include <glib.h>

#include <string.h>

enum { FIRST_BUCKETS = 64 };

G_STATIC_ASSERT(sizeof(struct nat_key) == 40);

static uint64_t
rotate(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t
nat_hash(const struct nat_key *key, const uint64_t secret[2])
{
    uint64_t v[4] = {
        secret[0] ^ 0x736f6d6570736575u,
        secret[1] ^ 0x646f72616e646f6du,
        secret[0] ^ 0x6c7967656e657261u,
        secret[1] ^ 0x7465646279746573u,
    };
    uint64_t word[sizeof(*key) / 8];
    memcpy(word, key, sizeof(word));
    for (unsigned i = 0; i < ARRAY_LEN(word); i++)
        sip_word(v, GUINT64_FROM_LE(word[i]));
    sip_word(v, (uint64_t)sizeof(*key) << 56);
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
nat_table_init(struct nat_table *t)
{
    *t = (struct nat_table){.n_buckets = FIRST_BUCKETS};
    t->bucket = g_new0(struct nat_node *, t->n_buckets);
    random_bytes(t->secret, sizeof(t->secret));
}

void
nat_table_done(struct nat_table *t)
{
    g_assert(t->n == 0);
    g_clear_pointer(&t->bucket, g_free);
}

struct nat_node *
nat_table_find(const struct nat_table *t, const struct nat_key *key)
{
    uint64_t hash = nat_hash(key, t->secret);
    struct nat_node *node = t->bucket[hash & (t->n_buckets - 1)];
    while (node && (node->hash != hash || memcmp(&node->key, key, sizeof(*key)) != 0))
        node = node->next;
    return node;
}

static void
grow(struct nat_table *t)
{
    uint32_t n_buckets = t->n_buckets * 2;
    struct nat_node **bucket = g_new0(struct nat_node *, n_buckets);
    for (uint32_t i = 0; i < t->n_buckets; i++) {
        struct nat_node *node = t->bucket[i];
        while (node) {
            struct nat_node *next = node->next;
            struct nat_node **to = &bucket[node->hash & (n_buckets - 1)];
            node->next = *to;
            *to = node;
            node = next;
        }
    }
    g_free(t->bucket);
    t->bucket = bucket;
    t->n_buckets = n_buckets;
}

void
nat_table_add(struct nat_table *t, struct nat_node *node)
{
    if (t->n >= t->n_buckets)
        grow(t);
    node->hash = nat_hash(&node->key, t->secret);
    struct nat_node **to = &t->bucket[node->hash & (t->n_buckets - 1)];
    node->next = *to;
    *to = node;
    t->n++;
}

void
nat_table_remove(struct nat_table *t, struct nat_node *node)
{
    struct nat_node **at = &t->bucket[node->hash & (t->n_buckets - 1)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    t->n--;
}

struct nat_node *
nat_table_any(const struct nat_table *t)
{
    for (uint32_t i = 0; t->n > 0 && i < t->n_buckets; i++)
        if (t->bucket[i])
            return t->bucket[i];
    return NULL;
}

void
nat_table_each(const struct nat_table *t, void (*fn)(struct nat_node *node, void *data), void *data)
{
    for (uint32_t i = 0; i < t->n_buckets; i++)
        for (struct nat_node *node = t->bucket[i]; node; node = node->next)
            fn(node, data);
}
