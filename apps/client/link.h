/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - joins a virtual adapter and an SE-VPN session on a worker, and tells the control thread
 * what happens there.
 *
 * One link lives as long as its adapter; sessions come and go in it (link_connect). While there is
 * none, what the system sends into the adapter is dropped. All functions are for the control
 * thread, and so are the events, which come from its main loop and never from inside a call.
 */
#pragma once

#include "apps/client/net_plan.h"
#include "core/base/worker.h"
#include "core/proto/sevpn/client.h"
#include "platform/platform.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum link_event_kind {
    LINK_ESTABLISHED, /* session */
    LINK_ENDED,       /* code, message, fingerprint: the session is over, the link has none */
    LINK_LEASED,      /* offer: DHCP gave an address, or gave it anew */
    LINK_LEASE_LOST,  /* the address must not be used any more; DHCP goes on asking */
    LINK_ROUTER6,     /* router6: announced itself; family 0: it has withdrawn */
    LINK_BROKEN,      /* the adapter is gone; message */
};

struct link_session {
    char *session_name, *connection_name, *server_product, *cipher, *message;
    struct endpoint server;
    unsigned max_connections;
    bool half_duplex, compress, super_frames;
};

/* Borrowed by the callback. */
struct link_event {
    enum link_event_kind kind;
    const struct link_session *session;
    int code;
    const char *message;
    const uint8_t *fingerprint; /* 32 bytes, or NULL */
    const struct net_offer *offer;
    struct ip router6;
};
typedef void link_told(void *owner, const struct link_event *e);

struct link_stats {
    struct sevpn_client_stats session;
    uint64_t from_adapter, to_adapter; /* frames */
    uint64_t dropped;                  /* on the way to the adapter, or while not connected */
};

struct link;

/* Takes the adapter. NULL (and closed) when the worker cannot watch it. */
struct link *link_new(struct worker *w, struct pf_vnic *v, link_told *told, void *owner);
/* No more events; closes the session and the adapter. */
void link_free(struct link *l);

/* Starts a session in place of any there is. The config is copied. dhcp: ask for an address once it
 * stands; the address of an earlier lease is asked for first. */
void link_connect(struct link *l, const struct sevpn_client_config *config, bool dhcp);
/* Gives the leased address back. To be called a little before the session is ended, so that the far
 * end hears it. */
void link_release(struct link *l);
/* Ends the session without an event. */
void link_disconnect(struct link *l);

const struct pf_vnic *link_vnic(const struct link *l); /* its name, MTU and MAC */
void link_get_stats(struct link *l, struct link_stats *out);
