/* SPDX-License-Identifier: Apache-2.0 */
/* link_priv.h - the inside of a link, for link*.c only. */
#pragma once

#include "apps/client/link.h"

#include <stdatomic.h>

/* The control thread's end of the events: outlives the link until the last event under way is
 * gone. Counted. */
struct link_ear;
struct link_ear *link_ear_new(link_told *told, void *owner);
void link_ear_unref(struct link_ear *ear);
/* Control thread: nothing is told any more; nothing is told of another session's beginning and end.
 */
void link_ear_close(struct link_ear *ear);
void link_ear_expect(struct link_ear *ear, unsigned session);
/* Any thread. What e points to is copied. */
void link_ear_post(struct link_ear *ear, unsigned session, const struct link_event *e);

/* Asks for an address by DHCP over the session; on the worker. */
struct link_dhcp;
struct link_dhcp *link_dhcp_new(struct link *l);
void link_dhcp_free(struct link_dhcp *d);
/* The session stands. */
void link_dhcp_start(struct link_dhcp *d, int64_t now_us);
/* Gives the address back; the session is to be closed. */
void link_dhcp_release(struct link_dhcp *d, int64_t now_us);
/* True when the frame was an answer to us: it is not for the adapter. The frame stays the caller's.
 */
bool link_dhcp_take(struct link_dhcp *d, const struct frame *f, int64_t now_us);

/* Router advertisements (RFC 4861) that pass by. */
struct link_router {
    struct ip ip; /* family 0: none known */
    int64_t until_us;
    int64_t quiet_us; /* no event before this */
};
/* Whether the router has changed: r->ip says who it is now. */
bool link_router_watch(struct link_router *r, const struct frame *f, int64_t now_us);

struct link {
    struct worker *worker;
    struct pf_vnic *vnic;
    bool has_offload;
    struct link_ear *ear;
    unsigned sessions; /* control thread: the number of the last one asked for */

    /* The worker's, from here on. */
    struct worker_fd wfd;
    bool is_watched;
    struct frame *small_frame, *large_frame; /* to read the next packet into */
    struct timer starved;                    /* armed while there is no buffer to read into */
    struct sevpn_client *client;             /* NULL: not connected */
    unsigned session;
    bool is_open;    /* established */
    bool is_blocked; /* the session takes no more for now */
    bool wants_dhcp;
    struct link_dhcp *dhcp;
    struct link_router router;
    uint64_t from_adapter, to_adapter, dropped;
};

/* One frame into the session; worker. Takes the frame. */
void link_send_one(struct link *l, struct frame *f, int64_t now_us);
