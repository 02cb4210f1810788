/* SPDX-License-Identifier: Apache-2.0 */
/* first_start.c - see first_start.h. */

#include "apps/server/first_start.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/rpc/identity.h"

#define SETTING_STARTED "first_start_ms"

static bool
make_identity(struct store *store, GError **error)
{
    struct identity id = {0};
    bool ok = identity_load(store, &id, NULL) ||
              (identity_make(g_get_host_name(), &id, error) && identity_save(store, &id, error));

    identity_clear(&id);
    return ok;
}

bool
first_start(struct store *store, GError **error)
{
    static const uint16_t ports[] = {443, 992, 5555};
    g_autofree char *started = store_get_text(store, SETTING_STARTED);
    char name[] = "DEFAULT";
    struct store_hub *old = NULL;

    if (started)
        return true;
    log_info("first start", NULL);
    if (!make_identity(store, error))
        return false;
    for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++) {
        struct store_listener l = {.port = ports[i], .enabled = true};
        if (!store_listener_put(store, &l, error))
            return false;
    }
    old = store_hub_get(store, name); /* from a first start that did not get to its end */
    struct store_hub hub = {.name = name,
                            .online = true,
                            .no_enum = true,
                            .created_ms = clock_wall_ms(),
                            .updated_ms = clock_wall_ms()};
    if (!old && !store_hub_create(store, &hub, error))
        return false;
    store_hub_free(old);
    g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, clock_wall_ms());
    return store_set_text(store, SETTING_STARTED, now, error);
}
