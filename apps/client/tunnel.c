/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.c - see tunnel.h.
 *
 * Three parts, joined here: reconnect.c says when to try, link.c (on the worker) carries the
 * session and tells what happens, net_plan.c and net_setup.c give the adapter what the account
 * allows. A lease that was had stays in force while the session is away, and is asked for again
 * when it is back: only a DHCP server that says no takes it.
 */
#include "apps/client/tunnel_priv.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"

#include <string.h>

enum { ADAPTER_NAMES = 64, TABLE_FIRST = 0x7065 };

static void
changed(struct tunnel *t)
{
    t->config.changed(t->config.owner, t);
}

static void
set_error(struct tunnel *t, int code, const char *message)
{
    t->code = code;
    g_free(t->message);
    t->message = g_strdup(message);
}

/* ---- the adapter's network ---- */

static void
apply_network(struct tunnel *t)
{
    g_autoptr(GError) error = NULL;
    struct net_plan plan;

    g_clear_pointer(&t->network_problem, g_free);
    if (!net_plan_make(&plan, t->account, t->has_offer ? &t->offer : NULL,
                       t->router6.family ? &t->router6 : NULL, &error)) {
        t->network_problem = g_strdup(error->message);
        t->has_offer = false;
        log_warning("an address was not taken", "account=%s reason=\"%s\"", t->account->name,
                    error->message);
        return;
    }
    if (!net_setup_apply(t->setup, &plan, &t->peer, &error)) {
        t->network_problem = g_strdup(error->message);
        log_warning("the network set-up is not complete", "account=%s adapter=%s reason=\"%s\"",
                    t->account->name, tunnel_adapter(t), error->message);
    }
    net_plan_clear(&t->plan);
    t->plan = plan;
}

static void
clear_network(struct tunnel *t)
{
    g_clear_pointer(&t->setup, net_setup_free);
    net_plan_clear(&t->plan);
    t->plan = (struct net_plan){0};
    t->has_offer = false;
    t->router6 = (struct ip){0};
    g_clear_pointer(&t->network_problem, g_free);
}

/* ---- sessions ---- */

static gboolean
on_retry(gpointer data)
{
    struct tunnel *t = data;
    int64_t now_us = clock_now_us();

    t->timer = 0;
    if (reconnect_timeout(&t->reconnect, now_us)) {
        link_connect(t->link, &t->client, t->account->address_mode == ADDRESS_DHCP);
        changed(t);
    } else if (t->reconnect.state == RECONNECT_WAITING) {
        int64_t left_ms = (t->reconnect.deadline_us - now_us) / 1000;
        t->timer = g_timeout_add((guint)left_ms + 1, on_retry, t);
    }
    return G_SOURCE_REMOVE;
}

static void
stop_timer(struct tunnel *t)
{
    if (t->timer)
        g_source_remove(t->timer);
    t->timer = 0;
}

static void
session_clear(struct link_session *s)
{
    g_free(s->session_name);
    g_free(s->connection_name);
    g_free(s->server_product);
    g_free(s->cipher);
    g_free(s->message);
    *s = (struct link_session){0};
}

static void
on_established(struct tunnel *t, const struct link_session *s)
{
    char server[ENDPOINT_TEXT], name[80];

    reconnect_established(&t->reconnect, clock_now_us());
    session_clear(&t->session);
    t->session = *s;
    t->peer = s->server.ip;
    t->session.session_name = g_strdup(s->session_name);
    t->session.connection_name = g_strdup(s->connection_name);
    t->session.server_product = g_strdup(s->server_product);
    t->session.cipher = g_strdup(s->cipher);
    t->session.message = g_strdup(s->message);
    t->account->has_worked = true;
    t->since_ms = clock_wall_ms();
    t->has_fingerprint = false;
    set_error(t, PE_OK, NULL);
    const char *session = s->session_name ? s->session_name : "";
    log_info("connected", "account=%s server=%s session=%s", t->account->name,
             endpoint_print(&s->server, server),
             log_text(name, sizeof name, session, strlen(session)));
    apply_network(t);
    t->config.worked(t->config.owner, t);
}

/* Back to nothing but the reason. */
static void
dismantle(struct tunnel *t)
{
    stop_timer(t);
    if (t->link)
        link_release(t->link);
    clear_network(t); /* while the adapter is there */
    g_clear_pointer(&t->link, link_free);
    sevpn_client_config_clear(&t->client);
    t->client = (struct sevpn_client_config){0};
    session_clear(&t->session);
    t->since_ms = 0;
}

static void
on_ended(struct tunnel *t, const struct link_event *e)
{
    int64_t now_us = clock_now_us();

    set_error(t, e->code, e->message ? e->message : pe_error_text(e->code));
    t->has_fingerprint = e->fingerprint != NULL;
    if (e->fingerprint)
        memcpy(t->fingerprint, e->fingerprint, sizeof t->fingerprint);
    session_clear(&t->session);
    t->since_ms = 0;
    reconnect_ended(&t->reconnect, e->code, random_u32(), now_us);
    if (t->reconnect.state == RECONNECT_DOWN) {
        log_warning("not connected, and not trying again", "account=%s code=%d reason=\"%s\"",
                    t->account->name, e->code, t->message);
        dismantle(t);
        return;
    }
    int64_t pause_ms = (t->reconnect.deadline_us - now_us) / 1000;
    log_info("not connected", "account=%s code=%d reason=\"%s\" next_try_ms=%" G_GINT64_FORMAT,
             t->account->name, e->code, t->message, pause_ms);
    t->timer = g_timeout_add((guint)pause_ms + 1, on_retry, t);
}

static void
on_leased(struct tunnel *t, const struct net_offer *offer)
{
    char text[PREFIX_TEXT];

    t->offer = *offer;
    t->has_offer = true;
    log_info("address leased", "account=%s adapter=%s address=%s", t->account->name,
             tunnel_adapter(t), ip_prefix_print(&offer->address, text));
    apply_network(t);
}

static void
on_link_told(void *owner, const struct link_event *e)
{
    struct tunnel *t = owner;

    switch (e->kind) {
    case LINK_ESTABLISHED:
        on_established(t, e->session);
        break;
    case LINK_ENDED:
        on_ended(t, e);
        break;
    case LINK_LEASED:
        on_leased(t, e->offer);
        break;
    case LINK_LEASE_LOST:
        log_info("address lost", "account=%s adapter=%s", t->account->name, tunnel_adapter(t));
        t->has_offer = false;
        apply_network(t);
        break;
    case LINK_ROUTER6:
        t->router6 = e->router6;
        apply_network(t);
        break;
    case LINK_BROKEN: {
        struct link_event end = {.kind = LINK_ENDED, .code = PE_DEVICE, .message = e->message};
        if (t->reconnect.state == RECONNECT_WAITING)
            (void)reconnect_up(&t->reconnect, false); /* so that the end below is one */
        on_ended(t, &end);
        break;
    }
    }
    changed(t);
}

/* ---- up and down ---- */

/* The account's adapter, or the first pe0, pe1 ... that is free. */
static struct pf_vnic *
open_adapter(const struct account *a, GError **error)
{
    uint8_t mac[6];
    struct pf_vnic *v = NULL;

    account_mac(a, mac);
    if (*a->adapter)
        return pf_vnic_open(a->adapter, mac, false, error);
    for (unsigned i = 0; i < ADAPTER_NAMES && !v; i++) {
        g_autofree char *name = g_strdup_printf("pe%u", i);
        g_clear_error(error);
        v = pf_vnic_open(name, mac, false, error);
        if (g_error_matches(*error, G_FILE_ERROR, G_FILE_ERROR_PERM) ||
            g_error_matches(*error, G_FILE_ERROR, G_FILE_ERROR_ACCES) ||
            g_error_matches(*error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            break; /* another name would not help */
    }
    return v;
}

static bool
assemble(struct tunnel *t, GError **error)
{
    if (!account_to_config(t->account, &t->client, error))
        return false;
    t->client.host_name = g_strdup(g_get_host_name());
    memcpy(t->client.unique_id, t->config.machine, sizeof t->client.unique_id);

    struct pf_vnic *v = open_adapter(t->account, error);
    if (!v || !pf_net_link_up(pf_vnic_name(v), true, error)) {
        pf_vnic_close(v);
        return false;
    }
    t->link = link_new(t->config.worker, v, on_link_told, t);
    if (!t->link) {
        g_set_error_literal(error, PE_ERROR, PE_DEVICE, "the adapter cannot be watched");
        return false;
    }
    t->setup = net_setup_new(t->config.runtime_folder, tunnel_adapter(t), t->account->mark,
                             TABLE_FIRST + t->config.index);
    return true;
}

bool
tunnel_up(struct tunnel *t, bool unattended, GError **error)
{
    if (t->reconnect.state == RECONNECT_DOWN) {
        t->has_fingerprint = false;
        set_error(t, PE_OK, NULL);
        if (!assemble(t, error)) {
            dismantle(t);
            return false;
        }
    }
    stop_timer(t);
    if (reconnect_up(&t->reconnect, unattended && t->account->has_worked)) {
        link_connect(t->link, &t->client, t->account->address_mode == ADDRESS_DHCP);
        changed(t);
    }
    return true;
}

void
tunnel_down(struct tunnel *t)
{
    bool was_active = tunnel_is_active(t);

    (void)reconnect_down(&t->reconnect); /* the link is closed below in any case */
    dismantle(t);
    if (was_active) {
        set_error(t, PE_OK, NULL);
        log_info("disconnected", "account=%s", t->account->name);
        changed(t);
    }
}

struct tunnel *
tunnel_new(const struct account *a, const struct tunnel_config *c)
{
    struct tunnel *t = g_new0(struct tunnel, 1);

    t->account = account_copy(a);
    t->config = *c;
    reconnect_init(&t->reconnect);
    return t;
}

void
tunnel_free(struct tunnel *t)
{
    if (!t)
        return;
    dismantle(t);
    account_free(t->account);
    g_free(t->message);
    g_free(t);
}

const char *
tunnel_name(const struct tunnel *t)
{
    return t->account->name;
}

bool
tunnel_is_active(const struct tunnel *t)
{
    return t->reconnect.state != RECONNECT_DOWN;
}

const char *
tunnel_adapter(const struct tunnel *t)
{
    return t->link ? pf_vnic_name(link_vnic(t->link)) : "";
}
