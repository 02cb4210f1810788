/* SPDX-License-Identifier: Apache-2.0 */
/* account_name.c - see account_name.h. */

#include "core/proto/account_name.h"

#include <string.h>

static bool
is_hub(struct hubs *hubs, const char *name)
{
    struct hub *hub = hubs_find(hubs, name);

    if (!hub)
        return false;
    hub_unref(hub);
    return true;
}

static char *
hub_without_name(struct hubs *hubs, const char *default_hub)
{
    if (default_hub && default_hub[0])
        return g_strdup(default_hub);
    g_autoptr(GPtrArray) all = hubs_list(hubs);
    return g_strdup(all->len == 1 ? hub_name(g_ptr_array_index(all, 0)) : ACCOUNT_NAME_DEFAULT_HUB);
}

void
account_name_split(struct hubs *hubs, const char *default_hub, const char *name, char **hub,
                   char **user)
{
    const char *backslash = strchr(name, '\\');
    const char *at = strrchr(name, '@');

    if (backslash) {
        *hub = g_strndup(name, (gsize)(backslash - name));
        *user = g_strdup(backslash + 1);
    } else if (at && is_hub(hubs, at + 1)) {
        *hub = g_strdup(at + 1);
        *user = g_strndup(name, (gsize)(at - name));
    } else {
        *hub = hub_without_name(hubs, default_hub);
        *user = g_strdup(name);
    }
}
