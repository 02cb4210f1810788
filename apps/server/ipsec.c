/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec.c - see ipsec.h. */

#include "apps/server/ipsec.h"

#include "core/base/log.h"
#include "core/base/types.h"
#include "core/crypto/cert.h"
#include "core/proto/etherip/server.h"
#include "core/proto/ikev1/ike1.h"
#include "core/proto/ipsec/server.h"
#include "core/proto/l2tp/server.h"
#include "core/proto/l2tpv3/server.h"
#include "core/rpc/ipsec_config.h"

#include <string.h>

enum { IKE_PORT = 500, NAT_PORT = 4500 };

struct ipsec {
    struct store *store;
    struct l2tp_server *l2tp;
    struct l2tpv3_server *l2tpv3;
    struct etherip_server *etherip;
    struct ipsec_server *server;
    const struct carrier_service *services[4];
    struct identity identity;
    char *told; /* the problem that was logged last */
};

/* The words of Weak_str have their order. */
G_STATIC_ASSERT(IKE1_WEAK_SHA1 == 1 && IKE1_WEAK_MODP1024 == 2 && IKE1_WEAK_3DES == 4 &&
                IKE1_WEAK_MD5 == 8);

/* ---- settings ---- */

static struct secret *
stored_secret(struct store *s, const char *name)
{
    g_autoptr(GBytes) bytes = store_get_secret(s, name);

    return bytes ? secret_new(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
}

static void
take_static(const char *text, struct router_static *out)
{
    struct ipsec_static s;

    G_STATIC_ASSERT(sizeof(s.local_cookie) == sizeof(out->local_cookie));
    if (!ipsec_static_parse(text, &s))
        return;
    out->on = true;
    out->local_session = s.local_session;
    out->peer_session = s.peer_session;
    memcpy(out->local_cookie, s.local_cookie, sizeof(s.local_cookie));
    memcpy(out->peer_cookie, s.peer_cookie, sizeof(s.peer_cookie));
    out->local_cookie_len = (uint8_t)s.local_cookie_len;
    out->peer_cookie_len = (uint8_t)s.peer_cookie_len;
    out->sublayer = s.sublayer;
}

static struct router_book *
make_book(struct store *store)
{
    g_autoptr(GPtrArray) stored = store_routers(store);
    GPtrArray *all = g_ptr_array_new();

    for (guint i = 0; i < stored->len; i++) {
        const struct store_router *from = g_ptr_array_index(stored, i);
        struct router *r = router_new();
        r->id = g_strdup(from->id);
        r->hub = g_strdup(from->hub);
        r->user = g_strdup(from->user);
        r->psk = from->psk
                     ? secret_new(g_bytes_get_data(from->psk, NULL), g_bytes_get_size(from->psk))
                     : NULL;
        r->aggressive = from->aggressive;
        take_static(from->session, &r->session);
        g_ptr_array_add(all, r);
    }
    return router_book_new(all);
}

static void
apply_l2tp(struct ipsec *i, const struct record *options)
{
    const char *hub = record_text(options, "L2TP_DefaultHub_str");
    struct l2tp_settings s = {.ipsec = record_bool(options, "L2TP_IPsec_bool"),
                              .plain = record_bool(options, "L2TP_Raw_bool"),
                              .default_hub = hub[0] ? hub : NULL,
                              .secret = stored_secret(i->store, IPSEC_SECRET_TUNNEL)};

    l2tp_server_set(i->l2tp, &s);
    secret_free(s.secret);
}

static void
apply_ipsec(struct ipsec *i, const struct record *options)
{
    struct ipsec_settings *s = ipsec_settings_new();
    const char *address = record_text(options, "PublicAddress_str");
    bool ethernet = record_bool(options, "EtherIP_IPsec_bool");

    l2tpv3_server_enable(i->l2tpv3, ethernet);
    etherip_server_enable(i->etherip, ethernet);
    s->enabled = ethernet || record_bool(options, "L2TP_IPsec_bool");
    s->psk = stored_secret(i->store, IPSEC_SECRET_PSK);
    s->weak = ipsec_weak_bits(record_text(options, "Weak_str"));
    s->raw = record_bool(options, "RawEsp_bool");
    s->dpd_s = record_u32(options, "DpdSeconds_u32");
    s->routers = make_book(i->store);
    if (address[0] && !ip_parse(address, &s->public_ip))
        log_warning("the public address of IPsec cannot be read", "address=%s", address);
    ipsec_server_set(i->server, s);
    ipsec_settings_free(s);
}

/* A problem is told once. */
static void
tell_problem(struct ipsec *i)
{
    struct ipsec_status status = {0};

    ipsec_server_get_status(i->server, &status);
    if (g_strcmp0(i->told, status.problem) == 0)
        return;
    g_free(i->told);
    i->told = g_strdup(status.problem);
    if (status.problem[0])
        log_warning("IPsec is not all there", "problem=\"%s\"", status.problem);
}

static void
cert_unref(gpointer cert)
{
    X509_free(cert);
}

/* Those of all hubs: who has a certificate of one of them logs in by PPP afterwards, or has a place
 * in the register of routers. */
static GPtrArray *
authorities(struct store *store)
{
    g_autoptr(GPtrArray) hubs = store_hubs(store);
    GPtrArray *all = g_ptr_array_new_with_free_func(cert_unref);

    for (guint n = 0; n < hubs->len; n++) {
        const struct store_hub *hub = g_ptr_array_index(hubs, n);
        g_autoptr(GPtrArray) cas = store_cas(store, hub->name);
        for (guint m = 0; m < cas->len; m++) {
            const struct store_ca *ca = g_ptr_array_index(cas, m);
            X509 *cert =
                cert_from_der(g_bytes_get_data(ca->der, NULL), g_bytes_get_size(ca->der), NULL);
            if (cert)
                g_ptr_array_add(all, cert);
        }
    }
    return all;
}

static void
apply_identity(struct ipsec *i)
{
    g_autoptr(GPtrArray) cas = authorities(i->store);
    struct ipsec_identity id = {
        .cert = i->identity.cert, .key = i->identity.key, .chain = i->identity.chain, .cas = cas};

    ipsec_server_set_identity(i->server, &id);
}

void
ipsec_apply(struct ipsec *i)
{
    g_autoptr(record_t) options = ipsec_config_load(i->store);

    apply_l2tp(i, options);
    apply_identity(i);
    apply_ipsec(i, options);
    tell_problem(i);
}

void
ipsec_use_identity(struct ipsec *i, const struct identity *id)
{
    identity_clear(&i->identity);
    i->identity.cert = id->cert;
    i->identity.key = id->key;
    X509_up_ref(id->cert);
    EVP_PKEY_up_ref(id->key);
    i->identity.chain = id->chain ? X509_chain_up_ref(id->chain) : NULL;
    apply_identity(i);
}

/* ---- how it does ---- */

void
ipsec_put_status(struct ipsec *i, struct record *out)
{
    struct ipsec_status s = {0};
    const char *plain = l2tp_server_plain_error(i->l2tp);

    ipsec_server_get_status(i->server, &s);
    record_set_bool(out, "IsOpen_bool", s.open);
    record_set_bool(out, "IsRawEsp_bool", s.raw);
    record_set_text(out, "Problem_utf", s.problem);
    record_set_text(out, "PlainProblem_utf", plain ? plain : "");
    record_set_u32(out, "NumPeers_u32", s.peers);
    record_set_u32(out, "NumHalfOpen_u32", s.half_open);
    record_set_u32(out, "NumChildren_u32", s.children);
    record_set_u64(out, "NumRefused_u64", s.refused);
    record_set_u64(out, "NumWrongKey_u64", s.wrong_key);
    record_set_u64(out, "NumNoProposal_u64", s.no_proposal);
}

void
ipsec_put_peers(struct ipsec *i, struct record *out)
{
    g_autoptr(GArray) peers = ipsec_server_peers(i->server);

    for (guint n = 0; n < peers->len; n++) {
        const struct ipsec_peer_info *p = &g_array_index(peers, struct ipsec_peer_info, n);
        struct record *row = record_append(out, "PeerList");
        char remote[ENDPOINT_TEXT];
        record_set_text(row, "Remote_str", endpoint_print(&p->remote, remote));
        record_set_text(row, "Id_str", p->identity);
        record_set_text(row, "Ike_str", p->ike);
        record_set_text(row, "Esp_str", p->esp);
        record_set_bool(row, "IsUdp_bool", p->udp);
        record_set_bool(row, "IsTunnel_bool", p->tunnel);
        record_set_u32(row, "NumChildren_u32", p->children);
        record_set_u32(row, "NumCarriers_u32", p->carriers);
        record_set_dt(row, "ConnectedTime_dt", p->since_ms);
        record_set_dt(row, "LastHeard_dt", p->last_heard_ms);
    }
}

/* ---- life ---- */

struct ipsec *
ipsec_new(struct store *store, struct worker_set *workers, struct hubs *hubs, struct auth *auth)
{
    struct ipsec *i = g_new0(struct ipsec, 1);
    struct ipsec_server_config config = {
        .workers = workers, .services = i->services, .ike_port = IKE_PORT, .nat_port = NAT_PORT};
    struct ipsec_settings *off = ipsec_settings_new();

    i->store = store;
    i->l2tp = l2tp_server_new(
        &(struct l2tp_server_config){.workers = workers, .hubs = hubs, .auth = auth});
    i->l2tpv3 = l2tpv3_server_new(&(struct l2tpv3_server_config){.hubs = hubs, .auth = auth});
    i->etherip = etherip_server_new(&(struct etherip_server_config){.hubs = hubs, .auth = auth});
    i->services[0] = l2tp_server_service(i->l2tp);
    i->services[1] = l2tpv3_server_service(i->l2tpv3);
    i->services[2] = etherip_server_service(i->etherip);
    off->enabled = false;
    i->server = ipsec_server_new(&config, off);
    ipsec_settings_free(off);
    return i;
}

void
ipsec_free(struct ipsec *i)
{
    if (!i)
        return;
    l2tp_server_stop(i->l2tp);
    ipsec_server_free(i->server);
    l2tp_server_free(i->l2tp);
    l2tpv3_server_free(i->l2tpv3);
    etherip_server_free(i->etherip);
    identity_clear(&i->identity);
    g_free(i->told);
    g_free(i);
}
