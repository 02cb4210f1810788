/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - the peer book: a peer is a proven identity at an address. It owns its IKE SAs (old and
 * new side by side while they are renewed), children (pairs of ESP SAs) and carriers. It knows no
 * version of IKE but by the calls of ike.h.
 *
 * Life: a peer begins with a proven IKE SA, or takes one over that is the same identity at the same
 * endpoint. It ends when it has neither IKE SA nor child, when it was silent for IPSEC_SILENT_S
 * without an IKE SA, or IPSEC_LINGER_S after a service closed the last of its carriers.
 */
#pragma once

#include "core/proto/ipsec/home.h"

enum {
    IPSEC_SILENT_S = 300,
    IPSEC_LINGER_S = 30,
    IPSEC_STRAY_MS = 500, /* between two answers to what nobody recognises */
    IPSEC_TOLD_S = 60,    /* and between two words of it in the log */
    IPSEC_TICK_S = 5,
    IPSEC_KEEPALIVE_S = 20,
    IPSEC_GRACE_S = 60, /* how long a child without an IKE SA outlives its lifetime */
};

enum ipsec_wear { IPSEC_WEAR_NONE, IPSEC_WEAR_SEEN, IPSEC_WEAR_ASKED };

struct ipsec_child {
    struct ipsec_peer *peer;
    struct ipsec_child *next; /* newest first */
    struct esp_child sa;      /* its keys are wiped */
    struct esp_in *in;
    struct esp_out *out;
    bool confirmed; /* the peer has it, too */
    enum ipsec_wear wear;
    int64_t born_us;
    uint64_t bytes_in, bytes_out;
};

struct ipsec_carrier {
    struct carrier c;
    struct ipsec_peer *peer;
    struct ipsec_carrier *next;
    bool closed;                         /* freed at the end of the turn */
    struct ip inner_local, inner_remote; /* tunnel mode; family 0: not known yet */
    uint16_t ip_id;
};

struct ipsec_peer {
    struct ipsec_home *home;
    struct ipsec_peer *prev, *next;
    struct ipsec_peer *next_here;  /* at the same endpoint */
    struct ipsec_peer *next_chore; /* of the home's list */
    bool has_chore, ended, claimed;
    char *identity;
    struct router_book *book; /* a reference, for router */
    const struct router *router;
    struct udp_source at; /* ESP in UDP goes there; without UDP, to its address */
    struct endpoint remote, local;
    struct ipsec_ike *ikes;
    struct ipsec_child *children;
    struct ipsec_carrier *carriers;
    unsigned n_ikes, n_children, n_carriers;
    struct timer timer;
    bool had_carrier;
    bool left;       /* it deleted its last IKE SA */
    bool behind_nat; /* we are */
    char agreed[96]; /* by IKE */
    int64_t since_us;
    int64_t heard_us; /* a packet that was its own */
    int64_t kept_alive_us;
    int64_t no_carrier_us;     /* since when */
    int64_t stray_us, told_us; /* a payload that nobody recognised was answered, was logged; 0 */
};

/* NULL: too many peers. The IKE SA is the peer's from now on. */
struct ipsec_peer *ipsec_peer_adopt_ike(struct ipsec_ike *k, int64_t now_us);
/* The IKE SA goes; what it means for the peer depends on why. */
void
ipsec_peer_lose_ike(struct ipsec_peer *p, struct ipsec_ike *k, enum ike1_end why, int64_t now_us);
/* Takes leave of it: closes carriers and SAs; it is freed at the end of the turn. reason: enum
 * pe_error. Not from inside of a service's or a machine's call. */
void ipsec_peer_end(struct ipsec_peer *p, int reason, int64_t now_us);
/* It is proven to be there now. */
void ipsec_peer_move(struct ipsec_peer *p, const struct udp_source *source, int64_t now_us);
/* At the end of a turn. */
void ipsec_peer_chores(struct ipsec_peer *p, int64_t now_us);
void ipsec_peer_info(const struct ipsec_peer *p, struct ipsec_peer_info *out);
bool ipsec_peer_is_at(const struct ipsec_peer *p, const struct udp_source *source);

/* ---- child.c ---- */

bool ipsec_child_up(struct ipsec_peer *p, const struct esp_child *sa, int64_t now_us) MUST_CHECK;
struct ipsec_child *ipsec_child_find(struct ipsec_home *h, uint32_t spi_in);
void ipsec_child_confirm(struct ipsec_child *c, int64_t now_us);
void ipsec_child_free(struct ipsec_child *c);
/* The one that packets are sent with, or NULL. */
struct ipsec_child *ipsec_child_to_send(const struct ipsec_peer *p);
/* Asks for new keys when they are nearly used up. */
void ipsec_child_check_wear(struct ipsec_child *c);
/* A packet from its SPI on. */
void ipsec_child_datagram(struct ipsec_home *h, const struct udp_source *from, uint8_t *bytes,
                          size_t len, int64_t now_us);

/* ---- path.c ---- */

/* A payload of the peer, as ESP had it. */
void ipsec_path_receive(struct ipsec_child *c, struct reader payload, uint8_t next_header,
                        int64_t now_us);
/* Opens the carrier that a child is for, if that is clear before the first packet. */
void ipsec_path_announce(struct ipsec_child *c, int64_t now_us);
/* Whether a child could carry anything for us; why not, for the log. */
const char *ipsec_path_refuses(const struct ipsec_peer *p, const struct esp_child *sa);
/* Addresses, keys or MTU have changed. */
void ipsec_path_changed(struct ipsec_peer *p, int64_t now_us);
/* The carrier goes, and its service is told. */
void ipsec_path_close(struct ipsec_carrier *c, int reason, int64_t now_us);
/* The same by the service itself, which is not told. */
void ipsec_path_close_by_service(struct carrier *carrier, int reason, int64_t now_us);
void ipsec_path_free(struct ipsec_carrier *c);
/* The last time that a service heard of the peer. */
int64_t ipsec_path_last_heard(const struct ipsec_peer *p);
extern const struct carrier_ops ipsec_path_ops; /* path_send.c */
/* The longest payload of the carrier by that child that needs no fragments. */
unsigned ipsec_path_mtu(const struct ipsec_carrier *c, const struct ipsec_child *by);
