/* SPDX-License-Identifier: Apache-2.0 */
/* bench-acl.c - what access rules cost: nanoseconds a frame through a hub of one worker, without
 * rules and with 4096 of them, none of which matches.
 *
 * "flows" are 64 UDP flows that go on; "new" is a new flow with each frame, which no memory knows.
 * A frame that comes through the cheapest tunnel has also been decrypted once and encrypted once
 * (AES-128-GCM over 1500 bytes): the ratio is told for the hub alone, and for such a frame.
 */

#include "core/base/policy.h"
#include "core/hub/hub_access.h"
#include "core/hub/hub_port.h"

#include <glib.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 8000, LEN = 1500, RULES = 4096, FLOWS = 64, SEALS = 40000 };

struct bench {
    struct hub *hub;
    struct hub_port *port[2];
    bool fresh; /* a new flow with each frame */
    uint32_t next;
    double ns;
};

static void
deliver(struct hub_port *port, struct batch *b, int64_t now_us)
{
    (void)port;
    (void)now_us;
    batch_free_frames(b);
}

static const struct hub_port_ops ops = {.deliver = deliver};

static const uint8_t head[] = {
    2,    0, 0,    0,    0,  2,    2, 0, 0,  0,  0, 1, 8, 0, /* Ethernet */
    0x45, 0, 5,    0xce, 0,  7,    0, 0, 64, 17, 0, 0,       /* IPv4 */
    10,   0, 0,    1,    10, 0,    0, 2,                     /* addresses */
    0,    0, 0x1f, 0x90, 5,  0xba, 0, 0,                     /* UDP */
};

static void
make(struct bench *be, struct batch *b)
{
    for (b->n = 0; b->n < BATCH_MAX;) {
        struct frame *f = frame_new(worker_pool(worker_current()), LEN);
        uint8_t *at = f ? frame_put(f, LEN) : NULL;
        if (!at)
            abort();
        memcpy(at, head, sizeof(head));
        uint32_t flow = be->fresh ? be->next++ : b->n % FLOWS;
        at[28] = (uint8_t)(flow >> 16);
        at[34] = (uint8_t)(flow >> 8);
        at[35] = (uint8_t)flow;
        batch_add(b, f);
    }
}

static void
attach(void *data)
{
    struct bench *be = data;
    struct hub_port_config config = {
        .name = "bench", .kind = HUB_PORT_SESSION, .policy = policy_default(), .user = "bench"};
    struct batch b = {.n = 0};

    for (unsigned i = 0; i < 2; i++) {
        be->port[i] = hub_attach(be->hub, &config, &ops, be, NULL);
        g_assert_nonnull(be->port[i]);
    }
    make(be, &b); /* where the receiver is */
    for (unsigned i = 0; i < b.n; i++) {
        memcpy(b.frame[i]->data, head + 6, 6);
        memcpy(b.frame[i]->data + 6, head, 6);
    }
    hub_port_receive(be->port[1], &b, worker_now_us(worker_current()));
}

static void
detach(void *data)
{
    struct bench *be = data;

    hub_detach(be->port[0]);
    hub_detach(be->port[1]);
}

static int64_t
cpu_ns(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
        abort();
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Less what making the frames costs. */
static void
run(void *data)
{
    struct bench *be = data;
    struct batch b = {.n = 0};
    int64_t all = 0;

    for (unsigned i = 0; i < BATCHES; i++) {
        make(be, &b);
        int64_t start = cpu_ns();
        hub_port_receive(be->port[0], &b, worker_now_us(worker_current()));
        all += cpu_ns() - start;
    }
    be->ns = (double)all / BATCHES / BATCH_MAX;
}

/* As a firewall's list looks: a network, a protocol and a port each. */
static void
set_rules(struct hub *hub, unsigned n)
{
    g_autoptr(GArray) rules = acl_rules_new();

    for (unsigned i = 0; i < n; i++) {
        struct acl_rule r = {.id = i + 1, .priority = i + 1, .active = true, .discard = true};
        r.src.ip[0] = 10;
        r.src.ip[1] = (uint8_t)(1 + i % 200);
        r.src.ip[2] = (uint8_t)(i / 16);
        acl_mask_of_length(24, r.src.mask, 4);
        r.protocol = i % 2 ? 6 : 17;
        r.dst.first_port = r.dst.last_port = (uint16_t)(1 + i % 1000);
        g_array_append_val(rules, r);
    }
    struct hub_access_config config = {
        .rules = &g_array_index(rules, struct acl_rule, 0), .n = n, .secret = {1, 2, 3, 4}};
    hub_set_access(hub, &config);
}

static double
measure(struct worker_set *set, struct bench *be, unsigned rules, bool fresh)
{
    double best = 1e9;

    set_rules(be->hub, rules);
    be->fresh = fresh;
    for (unsigned i = 0; i < 3; i++) {
        worker_call_sync(worker_set_get(set, 0), run, be);
        best = MIN(best, be->ns);
    }
    return best;
}

static double
seal_ns(void)
{
    static uint8_t key[16], iv[12], bytes[LEN], out[LEN + 16];
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0;

    if (!c || EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, key, iv) != 1)
        abort();
    int64_t start = cpu_ns();
    for (unsigned i = 0; i < SEALS; i++) {
        (void)EVP_EncryptInit_ex(c, NULL, NULL, NULL, iv);
        (void)EVP_EncryptUpdate(c, out, &n, bytes, LEN);
        (void)EVP_EncryptFinal_ex(c, out, &n);
    }
    EVP_CIPHER_CTX_free(c);
    return (double)(cpu_ns() - start) / SEALS;
}

static void
tell(const char *what, double none, double rules, double tunnel)
{
    printf("%-6s %6.1f ns without rules, %6.1f with %d: hub alone %3.0f %%, tunnelled %3.0f %%\n",
           what, none, rules, RULES, 100 * none / rules, 100 * (none + tunnel) / (rules + tunnel));
}

int
main(void)
{
    char name[] = "BENCH";
    struct hub_config config = {.name = name, .online = true};
    struct worker_set *set = worker_set_new(1, NULL);
    g_assert_nonnull(set);
    struct bench be = {.hub = hub_new(set, &config)};

    worker_call_sync(worker_set_get(set, 0), attach, &be);
    double tunnel = 2 * seal_ns();
    printf("%-6s %6.1f ns to decrypt and encrypt a frame\n", "tunnel", tunnel);
    double none = measure(set, &be, 0, false);
    tell("flows", none, measure(set, &be, RULES, false), tunnel);
    none = measure(set, &be, 0, true);
    tell("new", none, measure(set, &be, RULES, true), tunnel);
    worker_call_sync(worker_set_get(set, 0), detach, &be);
    hub_destroy(be.hub);
    worker_set_free(set);
    return 0;
}
