/* SPDX-License-Identifier: Apache-2.0 */
/* acl_names.c - see acl_names.h. */

#include "core/hub/acl/acl_names.h"

#include <glib.h>

#include <stdatomic.h>

struct name {
    char *folded; /* NULL: free */
    unsigned holders;
};

struct acl_names {
    GMutex lock;     /* guards the rest */
    GHashTable *ids; /* folded name, borrowed from its struct name: number */
    GArray *names;   /* of struct name; a number is its index, 0 is nobody's */
    GArray *free_ids;
    atomic_uint refs;
};

struct acl_names *
acl_names_new(void)
{
    struct acl_names *n = g_new0(struct acl_names, 1);

    g_mutex_init(&n->lock);
    n->ids = g_hash_table_new(g_str_hash, g_str_equal);
    n->names = g_array_new(FALSE, TRUE, sizeof(struct name));
    n->free_ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_array_set_size(n->names, 1);
    atomic_init(&n->refs, 1);
    return n;
}

struct acl_names *
acl_names_ref(struct acl_names *n)
{
    atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

void
acl_names_unref(struct acl_names *n)
{
    if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < n->names->len; i++)
        g_free(g_array_index(n->names, struct name, i).folded);
    g_hash_table_unref(n->ids);
    g_array_unref(n->names);
    g_array_unref(n->free_ids);
    g_mutex_clear(&n->lock);
    g_free(n);
}

static uint32_t
new_id(struct acl_names *n)
{
    if (n->free_ids->len > 0) {
        uint32_t id = g_array_index(n->free_ids, uint32_t, n->free_ids->len - 1);
        g_array_set_size(n->free_ids, n->free_ids->len - 1);
        return id;
    }
    if (n->names->len >= ACL_NAMES_MAX)
        return ACL_NOBODY;
    g_array_set_size(n->names, n->names->len + 1);
    return n->names->len - 1;
}

uint32_t
acl_names_hold(struct acl_names *n, const char *name)
{
    if (!name || name[0] == '\0')
        return ACL_NOBODY;
    char *folded = g_ascii_strdown(name, -1); /* as the store compares names */

    g_mutex_lock(&n->lock);
    uint32_t id = GPOINTER_TO_UINT(g_hash_table_lookup(n->ids, folded));
    if (id == ACL_NOBODY && (id = new_id(n)) != ACL_NOBODY) {
        g_array_index(n->names, struct name, id).folded = folded;
        g_hash_table_insert(n->ids, folded, GUINT_TO_POINTER(id));
        folded = NULL;
    }
    if (id != ACL_NOBODY)
        g_array_index(n->names, struct name, id).holders++;
    g_mutex_unlock(&n->lock);
    g_free(folded);
    return id;
}

void
acl_names_release(struct acl_names *n, uint32_t id)
{
    if (id == ACL_NOBODY)
        return;
    g_mutex_lock(&n->lock);
    struct name *name = &g_array_index(n->names, struct name, id);
    if (--name->holders == 0) {
        (void)g_hash_table_remove(n->ids, name->folded);
        g_clear_pointer(&name->folded, g_free);
        g_array_append_val(n->free_ids, id);
    }
    g_mutex_unlock(&n->lock);
}

unsigned
acl_names_count(struct acl_names *n)
{
    g_mutex_lock(&n->lock);
    unsigned count = g_hash_table_size(n->ids);
    g_mutex_unlock(&n->lock);
    return count;
}
