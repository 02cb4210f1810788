/* SPDX-License-Identifier: Apache-2.0 */
/* bindings.c - see bindings.h. */

#include "core/hub/dhcp/bindings.h"

#include <string.h>

/* Who sent the frames by which bindings were made. */
struct peer {
    struct mac mac;
    unsigned n;
};

struct bindings {
    GTree *by_client; /* of struct binding */
    GTree *by_ip;     /* the same; owns them */
    GTree *by_time;
    GTree *peers; /* of struct peer with n > 0 */
    GQueue free, bad;
    unsigned n[BINDING_N_STATES];
};

/* ---- orders ---- */

static struct client_key
key_of(const struct binding *b)
{
    return (struct client_key){.mac = &b->lease.mac,
                               .id = b->lease.client_id,
                               .id_len = b->lease.client_id_len,
                               .by_mac = b->by_mac};
}

static int
compare_keys(const struct client_key *a, const struct client_key *b)
{
    bool a_mac = a->by_mac || a->id_len == 0;
    bool b_mac = b->by_mac || b->id_len == 0;

    if (a_mac != b_mac)
        return a_mac ? -1 : 1;
    if (a_mac)
        return memcmp(a->mac->b, b->mac->b, sizeof(a->mac->b));
    if (a->id_len != b->id_len)
        return a->id_len < b->id_len ? -1 : 1;
    return memcmp(a->id, b->id, a->id_len);
}

static int
compare_ip(const struct ip *a, const struct ip *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->b, b->b, a->family == 4 ? 4 : sizeof(a->b));
}

static int
by_client(const void *a, const void *b)
{
    struct client_key x = key_of(a);
    struct client_key y = key_of(b);

    return compare_keys(&x, &y);
}

static int
by_ip(const void *a, const void *b)
{
    const struct binding *x = a;
    const struct binding *y = b;

    return compare_ip(&x->lease.ip, &y->lease.ip);
}

static int
by_time(const void *a, const void *b)
{
    const struct binding *x = a;
    const struct binding *y = b;

    if (x->due_us != y->due_us)
        return x->due_us < y->due_us ? -1 : 1;
    return compare_ip(&x->lease.ip, &y->lease.ip);
}

static int
by_mac(const void *a, const void *b)
{
    const struct peer *x = a;
    const struct peer *y = b;

    return memcmp(x->mac.b, y->mac.b, sizeof(x->mac.b));
}

/* What g_tree_search_node() has no need of: a node's key beside a key of another type. */
static int
search_client(const void *binding, const void *key)
{
    struct client_key x = key_of(binding);

    return compare_keys(key, &x);
}

static int
search_ip(const void *binding, const void *ip)
{
    const struct binding *b = binding;

    return compare_ip(ip, &b->lease.ip);
}

/* ---- life ---- */

struct bindings *
bindings_new(void)
{
    struct bindings *t = g_new0(struct bindings, 1);

    t->by_client = g_tree_new(by_client);
    t->by_ip = g_tree_new(by_ip);
    t->by_time = g_tree_new(by_time);
    t->peers = g_tree_new(by_mac);
    return t;
}

static void
binding_free(struct binding *b)
{
    g_free(b->pending);
    g_free(b);
}

static int
free_node(void *key, void *value, void *data)
{
    (void)value;
    (void)data;
    binding_free(key);
    return FALSE;
}

static int
free_peer(void *key, void *value, void *data)
{
    (void)value;
    (void)data;
    g_free(key);
    return FALSE;
}

void
bindings_free(struct bindings *t)
{
    if (!t)
        return;
    g_tree_foreach(t->peers, free_peer, NULL);
    g_tree_foreach(t->by_ip, free_node, NULL);
    g_tree_destroy(t->by_client);
    g_tree_destroy(t->by_time);
    g_tree_destroy(t->by_ip);
    g_tree_destroy(t->peers);
    g_free(t);
}

struct binding *
bindings_by_client(const struct bindings *t, const struct client_key *key)
{
    return g_tree_search(t->by_client, search_client, key);
}

struct binding *
bindings_by_ip(const struct bindings *t, const struct ip *ip)
{
    return g_tree_search(t->by_ip, search_ip, ip);
}

struct binding *
bindings_add(struct bindings *t, const struct ip *ip)
{
    struct binding *b = g_new0(struct binding, 1);

    b->lease.ip = *ip;
    b->link.data = b;
    g_tree_insert(t->by_ip, b, b);
    t->n[BINDING_FREE]++;
    return b;
}

/* ---- states ---- */

static void
count_peer(struct bindings *t, struct binding *b, const struct mac *from)
{
    struct peer key = {.mac = *from};
    struct peer *p = g_tree_lookup(t->peers, &key);

    if (!p) {
        p = g_memdup2(&key, sizeof(key));
        g_tree_insert(t->peers, p, p);
    }
    p->n++;
    b->peer = p;
}

static void
uncount_peer(struct bindings *t, struct binding *b)
{
    struct peer *p = b->peer;

    b->peer = NULL;
    if (!p || --p->n > 0)
        return;
    g_tree_remove(t->peers, p);
    g_free(p);
}

static GQueue *
queue_of(struct bindings *t, const struct binding *b)
{
    if (b->reserved)
        return NULL;
    return b->state == BINDING_FREE ? &t->free : b->state == BINDING_BAD ? &t->bad : NULL;
}

/* Takes it off the structures of its state. */
static void
leave_state(struct bindings *t, struct binding *b)
{
    if (b->link.prev || b->link.next || t->free.head == &b->link || t->bad.head == &b->link)
        g_queue_unlink(b->state == BINDING_BAD ? &t->bad : &t->free, &b->link);
    if (b->state != BINDING_FREE)
        g_tree_remove(t->by_time, b);
    t->n[b->state]--;
}

void
bindings_set(struct bindings *t, struct binding *b, enum binding_state state, int64_t due_us,
             const struct mac *from)
{
    leave_state(t, b);
    b->state = state;
    b->due_us = state == BINDING_FREE ? 0 : due_us;
    t->n[state]++;
    if (state != BINDING_FREE)
        g_tree_insert(t->by_time, b, b);
    GQueue *queue = queue_of(t, b);
    if (queue && state == BINDING_FREE && !b->has_client)
        g_queue_push_head_link(queue, &b->link);
    else if (queue)
        g_queue_push_tail_link(queue, &b->link);

    struct peer *before = b->peer;
    if (before && from && mac_equal(&before->mac, from))
        return;
    uncount_peer(t, b);
    if (from)
        count_peer(t, b, from);
}

void
bindings_forget_client(struct bindings *t, struct binding *b)
{
    if (b->has_client)
        g_tree_remove(t->by_client, b);
    b->has_client = b->had = false;
    b->by_mac = false;
    b->lease.mac = (struct mac){0};
    b->lease.client_id_len = 0;
    b->lease.hostname[0] = '\0';
}

void
bindings_set_client(struct bindings *t, struct binding *b, const struct client_key *key)
{
    struct client_key old = key_of(b);
    bool same = b->has_client && compare_keys(&old, key) == 0;
    struct mac mac = *key->mac;
    uint8_t id[sizeof(b->lease.client_id)] = {0};
    uint8_t id_len = MIN(key->id_len, sizeof(id));
    bool is_by_mac = key->by_mac;

    if (id_len > 0)
        memcpy(id, key->id, id_len);
    struct binding *other = same ? NULL : bindings_by_client(t, key);
    if (other && other != b)
        bindings_forget_client(t, other);
    if (!same)
        bindings_forget_client(t, b);
    else
        g_tree_remove(t->by_client, b); /* what of it does not count may still be new */
    b->lease.mac = mac;
    b->lease.client_id_len = id_len;
    memcpy(b->lease.client_id, id, sizeof(id));
    b->by_mac = is_by_mac;
    b->has_client = true;
    g_tree_insert(t->by_client, b, b);
}

void
bindings_remove(struct bindings *t, struct binding *b)
{
    leave_state(t, b);
    uncount_peer(t, b);
    bindings_forget_client(t, b);
    g_tree_remove(t->by_ip, b);
    binding_free(b);
}

/* ---- questions ---- */

struct binding *
bindings_oldest(const struct bindings *t, enum binding_state state)
{
    const GQueue *queue = state == BINDING_BAD ? &t->bad : &t->free;

    return queue->head ? queue->head->data : NULL;
}

struct binding *
bindings_next_due(const struct bindings *t)
{
    GTreeNode *node = g_tree_node_first(t->by_time);

    return node ? g_tree_node_key(node) : NULL;
}

unsigned
bindings_of_peer(const struct bindings *t, const struct mac *from)
{
    struct peer key = {.mac = *from};
    const struct peer *p = g_tree_lookup(t->peers, &key);

    return p ? p->n : 0;
}

unsigned
bindings_n(const struct bindings *t, enum binding_state state)
{
    return t->n[state];
}

unsigned
bindings_total(const struct bindings *t)
{
    return (unsigned)g_tree_nnodes(t->by_ip);
}

GPtrArray *
bindings_all(const struct bindings *t)
{
    GPtrArray *all = g_ptr_array_sized_new(bindings_total(t));

    for (GTreeNode *n = g_tree_node_first(t->by_ip); n; n = g_tree_node_next(n))
        g_ptr_array_add(all, g_tree_node_key(n));
    return all;
}

void
bindings_list(const struct bindings *t, GArray *out)
{
    for (GTreeNode *n = g_tree_node_first(t->by_ip); n; n = g_tree_node_next(n)) {
        const struct binding *b = g_tree_node_key(n);
        if (b->state == BINDING_LEASED)
            g_array_append_val(out, b->lease);
    }
}
