/* SPDX-License-Identifier: Apache-2.0 */
/* hub.c - the life of a hub, its settings, and what people see of it. */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/hub/hub_priv.h"
#include "core/hub/session.h"

static void
set_numbers(struct hub *hub, const struct hub_config *config)
{
    unsigned ageing_s = config->ageing_s > 0 ? config->ageing_s : HUB_AGEING_S;
    unsigned storm_pps = config->storm_pps > 0 ? config->storm_pps : HUB_STORM_PPS;
    unsigned most = config->max_sessions;
    if (most == 0 || most > HUB_MAX_PORTS)
        most = HUB_MAX_PORTS;
    atomic_store(&hub->max_sessions, most);
    atomic_store(&hub->max_clients, config->max_clients);
    atomic_store(&hub->max_bridges, config->max_bridges);
    atomic_store(&hub->ageing_s, ageing_s);
    atomic_store(&hub->storm_pps, storm_pps);
    atomic_store(&hub->no_enum, config->no_enum);
}

struct hub *
hub_new(struct worker_set *workers, const struct hub_config *config)
{
    struct hub *hub = g_new0(struct hub, 1);
    hub->workers = workers;
    hub->name = g_strdup(config->name);
    hub->fdb = fdb_new(worker_set_quiesce(workers));
    hub->relay = hub_relays_new(hub);
    hub->ip_table = ip_table_new();
    struct hub_options options = hub_options_default();
    atomic_init(&hub->law, hub_law_new(&options));
    hub->sessions = g_ptr_array_new();
    hub->created_ms = clock_wall_ms();
    atomic_init(&hub->ports, g_new0(struct hub_ports, 1));
    atomic_init(&hub->refs, 1);
    g_mutex_init(&hub->ports_lock);
    g_mutex_init(&hub->sessions_lock);
    hub_macs_init(&hub->macs);
    hub_access_init(&hub->access, worker_set_n(workers));
    set_numbers(hub, config);
    atomic_store(&hub->online, config->online);
    return hub;
}

struct hub *
hub_ref(struct hub *hub)
{
    atomic_fetch_add_explicit(&hub->refs, 1, memory_order_relaxed);
    return hub;
}

static void
tap_free(void *data)
{
    struct hub_tap *tap = data;

    if (tap && tap->gone)
        tap->gone(tap->owner);
    g_free(tap);
}

void
hub_set_tap(struct hub *hub, const struct hub_tap *tap)
{
    struct hub_tap *copy = tap ? g_memdup2(tap, sizeof(*tap)) : NULL;
    struct hub_tap *old = atomic_exchange(&hub->tap, copy);

    if (old)
        quiesce_retire(worker_set_quiesce(hub->workers), tap_free, old);
}

void
hub_unref(struct hub *hub)
{
    if (atomic_fetch_sub_explicit(&hub->refs, 1, memory_order_acq_rel) != 1)
        return;
    g_free(atomic_load_explicit(&hub->ports, memory_order_relaxed));
    tap_free(atomic_load_explicit(&hub->tap, memory_order_relaxed));
    g_free(atomic_load_explicit(&hub->law, memory_order_relaxed));
    ip_table_free(hub->ip_table);
    fdb_free(hub->fdb);
    g_free(hub->relay);
    g_ptr_array_unref(hub->sessions);
    hub_macs_done(&hub->macs);
    hub_access_done(&hub->access);
    g_mutex_clear(&hub->ports_lock);
    g_mutex_clear(&hub->sessions_lock);
    g_free(hub->message);
    g_free(hub->name);
    g_free(hub);
}

void
hub_destroy(struct hub *hub)
{
    atomic_store(&hub->destroyed, true);
    hub_stop_sessions(hub, PE_HUB_STOPPING);
    hub_unref(hub);
}

void
hub_set_config(struct hub *hub, const struct hub_config *config)
{
    set_numbers(hub, config);
    bool was_online = atomic_exchange(&hub->online, config->online);
    if (was_online && !config->online)
        hub_stop_sessions(hub, PE_HUB_STOPPING);
}

struct worker_set *
hub_workers(const struct hub *hub)
{
    return hub->workers;
}

const char *
hub_name(const struct hub *hub)
{
    return hub->name;
}

bool
hub_is_online(const struct hub *hub)
{
    return atomic_load_explicit(&hub->online, memory_order_relaxed) &&
           !atomic_load_explicit(&hub->destroyed, memory_order_relaxed);
}

bool
hub_is_listed(const struct hub *hub)
{
    return !atomic_load_explicit(&hub->no_enum, memory_order_relaxed);
}

void
hub_set_message(struct hub *hub, const char *text)
{
    g_mutex_lock(&hub->sessions_lock);
    g_free(hub->message);
    hub->message = g_strdup(text);
    g_mutex_unlock(&hub->sessions_lock);
}

char *
hub_message(struct hub *hub)
{
    g_mutex_lock(&hub->sessions_lock);
    char *text = g_strdup(hub->message ? hub->message : "");
    g_mutex_unlock(&hub->sessions_lock);
    return text;
}

void
hub_count_ended_drop(struct hub *hub, enum drop why, uint64_t n)
{
    g_mutex_lock(&hub->ports_lock);
    hub->ended.dropped[why] += n;
    g_mutex_unlock(&hub->ports_lock);
}

/* ---- for people ---- */

int64_t
hub_wall_ms(uint32_t then_s, int64_t now_us)
{
    return clock_wall_ms() - 1000 * (int64_t)(int32_t)(hub_second(now_us) - then_s);
}

void
hub_get_stats(struct hub *hub, struct hub_stats *out)
{
    g_mutex_lock(&hub->ports_lock);
    const struct hub_ports *list = atomic_load_explicit(&hub->ports, memory_order_relaxed);
    uint32_t last_s = hub->ended_last_s;
    *out = hub->ended;
    for (unsigned i = 0; i < list->n_slots; i++)
        if (list->slot[i].port)
            hub_port_fold(list->slot[i].port, out, &last_s);
    out->ports = list->n;
    g_mutex_unlock(&hub->ports_lock);
    out->dropped[DROP_RING_FULL] += hub_relays_dropped(hub);

    out->fdb_full = atomic_load_explicit(&hub->fdb_full_n, memory_order_relaxed);
    out->fdb_entries = fdb_count(hub->fdb);
    out->ip_entries = ip_table_count(hub->ip_table);
    out->created_ms = hub->created_ms;
    out->last_comm_ms = last_s > 0 ? hub_wall_ms(last_s, clock_now_us()) : hub->created_ms;

    g_mutex_lock(&hub->sessions_lock);
    out->sessions = hub->sessions->len;
    out->logins = hub->logins;
    g_mutex_unlock(&hub->sessions_lock);
}

GArray *
hub_fdb_list(struct hub *hub)
{
    int64_t now_us = clock_now_us();
    unsigned ageing_s = atomic_load(&hub->ageing_s);
    g_autoptr(GArray) found = fdb_list(hub->fdb, hub_second(now_us), ageing_s);
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct hub_fdb_row));

    g_mutex_lock(&hub->ports_lock); /* ports in the list stay alive while it is held */
    const struct hub_ports *list = atomic_load_explicit(&hub->ports, memory_order_relaxed);
    for (unsigned i = 0; i < found->len; i++) {
        const struct fdb_row *from = &g_array_index(found, struct fdb_row, i);
        const struct hub_port *port = hub_ports_at(list, from->port);
        if (!port)
            continue;
        struct hub_fdb_row row = {.vlan = (uint16_t)(from->key >> 48),
                                  .created_ms = hub_wall_ms(from->created_s, now_us),
                                  .updated_ms = hub_wall_ms(from->seen_s, now_us),
                                  .key = from->serial};
        for (unsigned k = 0; k < sizeof(row.mac.b); k++)
            row.mac.b[k] = (uint8_t)(from->key >> (40 - 8 * k));
        (void)g_strlcpy(row.port, port->name, sizeof(row.port));
        g_array_append_val(rows, row);
    }
    g_mutex_unlock(&hub->ports_lock);
    return rows;
}

bool
hub_fdb_forget(struct hub *hub, uint32_t key)
{
    return fdb_forget(hub->fdb, key);
}
