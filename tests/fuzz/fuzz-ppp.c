/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ppp.c - a script of packets, pauses, verdicts and addresses to the server's end of a link.
 *
 * Laws: every frame that is sent is whole and fits; nothing comes after the end; after a tick
 * nothing is due; a login is asked for by a name without NUL; no IP before the login.
 */

#include "core/base/error.h"
#include "core/net/wire.h"
#include "core/proto/ppp/fsm.h"
#include "core/proto/ppp/link.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

#define S INT64_C(1000000)

struct lab {
    struct ppp_link *l;
    int64_t now_us;
    uint8_t random;
    bool asked, in, ended;
};

static void
on_send(void *owner, struct reader frame, int64_t now_us)
{
    const struct lab *lab = owner;
    uint8_t code = 0;
    uint8_t id = 0;
    struct reader data;

    g_assert(!lab->ended && now_us == lab->now_us);
    g_assert(frame.left <= PPP_FRAME_HEADER + PPP_CONTROL_MAX);
    g_assert(reader_u16(&frame) == 0xff03);
    (void)reader_u16(&frame);
    size_t len = frame.left;
    g_assert(ppp_parse(frame, &code, &id, &data) && data.left + PPP_HEADER == len);
    g_assert(code >= 1 && code <= PPP_ECHO_REPLY);
}

static void
on_login(void *owner, const struct ppp_credential *c, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    g_assert(!lab->ended && !lab->in && strlen(c->name) <= PPP_NAME_MAX);
    g_assert(c->is_mschapv2 == !c->password);
    lab->asked = true;
}

static void
on_ended(void *owner, int reason, int64_t now_us)
{
    struct lab *lab = owner;

    (void)now_us;
    g_assert(!lab->ended && reason != PE_OK);
    lab->ended = true;
}

static void
on_random(void *owner, void *out, size_t n)
{
    struct lab *lab = owner;

    memset(out, ++lab->random & 3, n); /* few, so that they meet; sometimes zero */
}

static const struct ppp_link_ops ops = {
    .send = on_send, .login = on_login, .ended = on_ended, .random = on_random};

static void
say(struct lab *lab, uint16_t protocol, struct reader *r)
{
    struct reader packet = reader_sub(r, reader_u8(r));

    if (reader_ok(&packet))
        ppp_link_receive(lab->l, protocol, packet, lab->now_us);
}

static void
step(struct lab *lab, struct reader *r)
{
    static const uint16_t protocol[] = {PPP_LCP,  PPP_LCP,    PPP_CHAP, PPP_PAP,
                                        PPP_IPCP, PPP_IPV6CP, 0x80fd,   0x00fd};
    static const uint8_t id6[8] = {2, [7] = 1};
    struct ppp_link_address address = {.ip4 = 5, .gateway4 = 1, .dns = {8}};
    uint8_t what = reader_u8(r) % 16;

    if (what < G_N_ELEMENTS(protocol)) {
        say(lab, protocol[what], r);
    } else if (what < 10) {
        lab->now_us += reader_u8(r) * S / 4;
    } else if (what == 10) {
        say(lab, reader_u16(r), r);
    } else if (what == 11 && lab->asked) {
        bool good = reader_u8(r) & 1;
        lab->asked = false;
        lab->in |= good;
        ppp_link_verdict(lab->l, good ? PE_OK : PE_AUTH_FAILED, "S=", good ? id6 : NULL,
                         lab->now_us);
    } else if (what == 12) {
        address.ip4 += reader_u8(r) & 1;
        ppp_link_set_address(lab->l, &address, lab->now_us);
    } else if (what == 13) {
        ppp_link_heard(lab->l, lab->now_us);
    } else if (what == 14 && reader_u8(r) == 0) {
        ppp_link_close(lab->l, PE_SESSION_REMOVED, lab->now_us);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct lab lab = {.now_us = S};
    struct ppp_link_config config = {.mru = 1400, .echo_s = 20, .pap = true, .mschapv2 = true};

    uint8_t how = reader_u8(&r);
    config.tries = how & 3;
    config.mschapv2 = !(how & 4);
    config.pap = !(how & 8) || !config.mschapv2;
    lab.l = ppp_link_new(&config, &ops, &lab);
    ppp_link_start(lab.l, lab.now_us);
    while (r.left > 0 && !lab.ended) {
        step(&lab, &r);
        for (unsigned i = 0; i < 2; i++) /* the login and an automaton may be due together */
            ppp_link_tick(lab.l, lab.now_us);
        int64_t due_us = ppp_link_deadline(lab.l);
        g_assert(due_us == 0 || due_us > lab.now_us);
        g_assert(lab.in || (!ppp_link_is_up4(lab.l) && !ppp_link_is_up6(lab.l)));
        g_assert(ppp_link_mru(lab.l) >= PPP_MRU_MIN);
    }
    ppp_link_free(lab.l);
    return 0;
}
