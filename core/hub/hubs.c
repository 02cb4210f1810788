/* SPDX-License-Identifier: Apache-2.0 */
/* hubs.c - see hubs.h. A sorted array: there are few hubs, and they are looked up at logins. */

#include "core/hub/hubs.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/hub/hub_priv.h"

#include <string.h>

struct hubs {
    struct worker_set *workers;
    GMutex lock;     /* guards list */
    GPtrArray *list; /* by name; control's reference of each */
    const struct hub_watch *watch;
    uint8_t secret[HUB_SECRET_LEN];
};

struct hubs *
hubs_new(struct worker_set *workers)
{
    struct hubs *hubs = g_new0(struct hubs, 1);
    hubs->workers = workers;
    hubs->list = g_ptr_array_new();
    g_mutex_init(&hubs->lock);
    random_bytes(hubs->secret, sizeof(hubs->secret));
    return hubs;
}

void
hubs_free(struct hubs *hubs)
{
    if (!hubs)
        return;
    for (unsigned i = 0; i < hubs->list->len; i++)
        hub_destroy(g_ptr_array_index(hubs->list, i));
    g_ptr_array_unref(hubs->list);
    g_mutex_clear(&hubs->lock);
    secret_wipe(hubs->secret, sizeof(hubs->secret));
    g_free(hubs);
}

void
hubs_set_watch(struct hubs *hubs, const struct hub_watch *watch)
{
    hubs->watch = watch;
}

void
hubs_set_secret(struct hubs *hubs, const uint8_t secret[HUB_SECRET_LEN])
{
    memcpy(hubs->secret, secret, sizeof(hubs->secret));
}

struct worker_set *
hubs_workers(const struct hubs *hubs)
{
    return hubs->workers;
}

/* The place of a name, or where it would be. Under the lock. */
static bool
place_of(const struct hubs *hubs, const char *name, unsigned *ret_at)
{
    unsigned low = 0;
    unsigned high = hubs->list->len;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = g_ascii_strcasecmp(name, hub_name(g_ptr_array_index(hubs->list, middle)));
        if (order == 0) {
            *ret_at = middle;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_at = low;
    return false;
}

static bool
is_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (len == 0 || len > HUB_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isalnum(name[i]) && !strchr("-_. ", name[i]))
            return false;
    return true;
}

struct hub *
hubs_create(struct hubs *hubs, const struct hub_config *config, GError **error)
{
    if (!is_name(config->name)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "a hub's name has 1 to %d letters (A-Z), digits, '-', '_', '.' and spaces",
                    HUB_NAME_MAX);
        return NULL;
    }
    struct hub *hub = NULL;
    unsigned at;
    g_mutex_lock(&hubs->lock);
    if (!place_of(hubs, config->name, &at)) {
        hub = hub_new(hubs->workers, config);
        hub->watch = hubs->watch;
        hub_macs_set_secret(&hub->macs, hubs->secret);
        g_ptr_array_insert(hubs->list, (int)at, hub);
    }
    g_mutex_unlock(&hubs->lock);
    if (!hub)
        g_set_error(error, PE_ERROR, PE_HUB_EXISTS, "hub '%s' exists already", config->name);
    return hub;
}

bool
hubs_remove(struct hubs *hubs, const char *name, GError **error)
{
    struct hub *hub = NULL;
    unsigned at;
    g_mutex_lock(&hubs->lock);
    if (place_of(hubs, name, &at))
        hub = g_ptr_array_remove_index(hubs->list, at);
    g_mutex_unlock(&hubs->lock);
    if (!hub) {
        g_set_error(error, PE_ERROR, PE_HUB_NOT_FOUND, "hub '%s' does not exist", name);
        return false;
    }
    hub_destroy(hub);
    return true;
}

struct hub *
hubs_find(struct hubs *hubs, const char *name)
{
    struct hub *hub = NULL;
    unsigned at;
    g_mutex_lock(&hubs->lock);
    if (place_of(hubs, name, &at))
        hub = hub_ref(g_ptr_array_index(hubs->list, at));
    g_mutex_unlock(&hubs->lock);
    return hub;
}

static void
unref_hub(void *hub)
{
    hub_unref(hub);
}

GPtrArray *
hubs_list(struct hubs *hubs)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(unref_hub);
    g_mutex_lock(&hubs->lock);
    for (unsigned i = 0; i < hubs->list->len; i++)
        g_ptr_array_add(list, hub_ref(g_ptr_array_index(hubs->list, i)));
    g_mutex_unlock(&hubs->lock);
    return list;
}
