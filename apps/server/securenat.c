/* SPDX-License-Identifier: Apache-2.0 */
/* securenat.c - see securenat.h. */

#include "apps/server/securenat.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/rpc/securenat_config.h"

#include <string.h>

struct entry {
    struct securenat *all;
    char *hub;
    struct vhost *vhost;
};

struct securenat {
    struct store *store;
    struct hubs *hubs;
    GPtrArray *entries; /* of struct entry */
};

/* ---- leases ---- */

static void
keep_leases(void *owner, const struct dhcp_lease *lease, unsigned n)
{
    struct entry *e = owner;
    g_autoptr(GError) error = NULL;
    g_autofree struct store_lease *rows = g_new0(struct store_lease, n);

    for (unsigned i = 0; i < n; i++) {
        rows[i].ip = lease[i].ip;
        rows[i].mac = lease[i].mac;
        rows[i].client_id = g_bytes_new(lease[i].client_id, lease[i].client_id_len);
        rows[i].hostname = (char *)lease[i].hostname;
        rows[i].leased_ms = lease[i].leased_ms;
        rows[i].expires_ms = lease[i].expires_ms;
    }
    if (!store_leases_put(e->all->store, e->hub, rows, n, &error))
        log_warning("cannot keep leases", "hub=%s error=\"%s\"", e->hub, error->message);
    for (unsigned i = 0; i < n; i++)
        g_bytes_unref(rows[i].client_id);
}

static const struct vhost_ops vhost_ops = {.leases_changed = keep_leases};

/* Of struct dhcp_lease. */
static GArray *
kept_leases(struct store *s, const char *hub)
{
    g_autoptr(GPtrArray) rows = store_leases(s, hub);
    GArray *all = g_array_sized_new(FALSE, TRUE, sizeof(struct dhcp_lease), rows->len);

    for (guint i = 0; i < rows->len; i++) {
        const struct store_lease *row = g_ptr_array_index(rows, i);
        struct dhcp_lease l = {.ip = row->ip,
                               .mac = row->mac,
                               .leased_ms = row->leased_ms,
                               .expires_ms = row->expires_ms};
        gsize len = 0;
        const void *id = g_bytes_get_data(row->client_id, &len);
        if (len > sizeof(l.client_id))
            continue;
        if (len > 0)
            memcpy(l.client_id, id, len);
        l.client_id_len = (uint8_t)len;
        (void)g_strlcpy(l.hostname, row->hostname, sizeof(l.hostname));
        g_array_append_val(all, l);
    }
    return all;
}

/* ---- living ones ---- */

static void
entry_free(gpointer data)
{
    struct entry *e = data;

    if (e->vhost)
        vhost_free(e->vhost);
    g_free(e->hub);
    g_free(e);
}

static struct entry *
find(const struct securenat *s, const char *hub)
{
    for (guint i = 0; i < s->entries->len; i++) {
        struct entry *e = g_ptr_array_index(s->entries, i);
        if (g_ascii_strcasecmp(e->hub, hub) == 0)
            return e;
    }
    return NULL;
}

static bool
start(struct securenat *s, const char *name, const struct vhost_config *config, GError **error)
{
    struct hub *hub = hubs_find(s->hubs, name);
    g_autoptr(GArray) kept = kept_leases(s->store, name);

    if (!hub) {
        g_set_error(error, PE_ERROR, PE_HUB_NOT_FOUND, "hub '%s' does not exist", name);
        return false;
    }
    struct entry *e = g_new0(struct entry, 1);
    e->all = s;
    e->hub = g_strdup(name);
    e->vhost = vhost_new(hub, config, (const struct dhcp_lease *)(void *)kept->data, kept->len,
                         &vhost_ops, e, error);
    hub_unref(hub);
    if (!e->vhost) {
        entry_free(e);
        return false;
    }
    g_ptr_array_add(s->entries, e);
    return true;
}

static bool
hub_is_stored(struct store *s, const char *hub)
{
    struct store_hub *h = store_hub_get(s, hub);

    store_hub_free(h);
    return h != NULL;
}

bool
securenat_apply(struct securenat *s, const char *hub, GError **error)
{
    struct entry *e = find(s, hub);
    bool enabled = false;

    if (!hub_is_stored(s->store, hub)) {
        g_ptr_array_remove(s->entries, e);
        return true;
    }
    struct vhost_config *config = securenat_config_load(s->store, hub, &enabled, error);
    if (!config)
        return false;
    bool ok = true;
    if (!enabled)
        g_ptr_array_remove(s->entries, e);
    else if (e)
        ok = vhost_set_config(e->vhost, config, error);
    else
        ok = start(s, hub, config, error);
    securenat_config_free(config);
    return ok;
}

struct vhost *
securenat_find(struct securenat *s, const char *hub)
{
    const struct entry *e = find(s, hub);

    return e ? e->vhost : NULL;
}

struct securenat *
securenat_new(struct store *store, struct hubs *hubs)
{
    struct securenat *s = g_new0(struct securenat, 1);

    s->store = store;
    s->hubs = hubs;
    s->entries = g_ptr_array_new_with_free_func(entry_free);
    return s;
}

void
securenat_start(struct securenat *s)
{
    g_autoptr(GPtrArray) names = store_securenat_hubs(s->store);

    for (guint i = 0; i < names->len; i++) {
        const char *hub = g_ptr_array_index(names, i);
        g_autoptr(GError) error = NULL;
        if (!securenat_apply(s, hub, &error))
            log_warning("cannot start the virtual host", "hub=%s error=\"%s\"", hub,
                        error->message);
    }
}

void
securenat_free(struct securenat *s)
{
    if (!s)
        return;
    g_ptr_array_unref(s->entries);
    g_free(s);
}
