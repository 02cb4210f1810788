/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - the server's end of one PPP link, as a machine: LCP, then the login, then the network
 * protocols.
 *
 * Goals: the clients of today's systems get in, by MS-CHAPv2 or by PAP, and get an IPv4 address
 * and an IPv6 interface identifier; everything else of PPP is declined in the way they expect.
 * States: ESTABLISH (LCP negotiates) -> LOGIN (challenge sent, or password awaited) -> ASKING (the
 * credential is with the owner) -> NETWORK -> CLOSING (LCP says goodbye) -> DEAD.
 * Timers: those of RFC 1661 (3 s), PPP_LINK_LOGIN_S for all before NETWORK, an echo after echo_s of
 * silence; PPP_LINK_ECHOES without an answer end the link. All hang on one deadline.
 * Memory: the struct. No clock, no I/O, no packets of IP.
 *
 * LCP that begins anew before a credential was sent begins the login anew; afterwards it ends the
 * link. Callbacks may not free the link; ended() is the last one.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/reader.h"
#include "core/crypto/mschap.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PPP_LINK_LOGIN_S = 60,
    PPP_LINK_ASKING_S = 140, /* for the verdict: others may be asked, and people (AUTH_ASK_S) */
    PPP_LINK_ECHOES = 4,
    PPP_NAME_MAX = 255,
};

struct ppp_link;

struct ppp_link_config {
    unsigned mru;       /* what we ask the peer to send at most */
    unsigned echo_s;    /* 0: somebody else looks after the peer */
    bool pap, mschapv2; /* at least one */
    unsigned tries;     /* wrong passwords by MS-CHAPv2; 0 is 1 */
};

/* What the peer showed. Valid during the call. */
struct ppp_credential {
    char name[PPP_NAME_MAX + 1];
    bool is_mschapv2;
    const char *password; /* PAP */
    uint8_t authenticator[MSCHAP_CHALLENGE], peer[MSCHAP_CHALLENGE], response[MSCHAP_RESPONSE];
};

struct ppp_link_ops {
    /* A whole frame, from FF 03 on. */
    void (*send)(void *owner, struct reader frame, int64_t now_us);
    /* Who is it? Answer by ppp_link_verdict(), later or at once. Comes once, or again after a wrong
     * password when there are tries. */
    void (*login)(void *owner, const struct ppp_credential *c, int64_t now_us);
    /* The link is over: enum pe_error. */
    void (*ended)(void *owner, int reason, int64_t now_us);
    void (*random)(void *owner, void *out, size_t n);
};

/* ops is borrowed. Begins with ppp_link_start(). */
struct ppp_link *
ppp_link_new(const struct ppp_link_config *config, const struct ppp_link_ops *ops, void *owner);
void ppp_link_free(struct ppp_link *l);
void ppp_link_start(struct ppp_link *l, int64_t now_us);

/* Whether the question of login() is still open. */
bool ppp_link_is_asking(const struct ppp_link *l);
/* PE_OK: it is in; answer is the authenticator's of MS-CHAPv2 (NULL for PAP). id6 is the
 * interface identifier that it is to use; NULL: no IPv6. */
void ppp_link_verdict(struct ppp_link *l, int code, const char *answer, const uint8_t *id6,
                      int64_t now_us);

struct ppp_link_address {
    uint32_t ip4, gateway4; /* host order; gateway4 is told as our own address */
    uint32_t dns[2];        /* 0: none */
};
/* IPv4 is negotiated from now on. Another time: nothing, unless the address is another one, which
 * ends the link, since PPP cannot say so. */
void ppp_link_set_address(struct ppp_link *l, const struct ppp_link_address *a, int64_t now_us);

/* A frame's protocol and what follows, of anything but IP. */
void ppp_link_receive(struct ppp_link *l, uint16_t protocol, struct reader packet, int64_t now_us);
/* There was traffic of the peer: no echo is needed. */
void ppp_link_heard(struct ppp_link *l, int64_t now_us);
/* Says goodbye; ended() comes with this reason. */
void ppp_link_close(struct ppp_link *l, int reason, int64_t now_us);

int64_t ppp_link_deadline(const struct ppp_link *l); /* 0: none */
void ppp_link_tick(struct ppp_link *l, int64_t now_us);

bool ppp_link_is_up4(const struct ppp_link *l);
bool ppp_link_is_up6(const struct ppp_link *l);
/* What the peer takes at most, once LCP is through. */
unsigned ppp_link_mru(const struct ppp_link *l);
