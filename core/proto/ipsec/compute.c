/* SPDX-License-Identifier: Apache-2.0 */
/* compute.c - Diffie-Hellman on helper threads: it takes a millisecond or ten, and a worker does
 * not wait. A job keeps the home alive, and finds its IKE SA by the cookie when it comes back. */

#include "core/proto/ipsec/ike.h"

#include <string.h>

struct job {
    struct ipsec_home *home; /* a reference */
    struct ike1_dh *dh;      /* owned */
    uint8_t cookie[IKE1_COOKIE];
};

static void
come_back(void *data)
{
    struct job *j = data;
    struct ipsec_home *h = j->home;
    struct ipsec_ike *k = h->closed ? NULL : ipsec_ike_find(h, j->cookie);

    if (k)
        ipsec_ike_computed(k, j->dh, worker_now_us(h->worker));
    else
        ike1_dh_free(j->dh);
    ipsec_home_unref(h);
    g_free(j);
}

static void
help(gpointer data, gpointer unused)
{
    struct job *j = data;

    (void)unused;
    ike1_dh_compute(j->dh);
    worker_call(j->home->worker, come_back, j);
}

GThreadPool *
ipsec_compute_new(void)
{
    return g_thread_pool_new(help, NULL, IPSEC_HELPERS, FALSE, NULL);
}

void
ipsec_compute_free(GThreadPool *p)
{
    g_thread_pool_free(p, FALSE, TRUE);
}

bool
ipsec_compute(struct ipsec_home *h, const uint8_t cookie[IKE1_COOKIE], struct ike1_dh *dh)
{
    if (g_thread_pool_unprocessed(h->server->helpers) >= IPSEC_JOBS)
        return false;
    struct job *j = g_new(struct job, 1);
    j->home = ipsec_home_ref(h);
    j->dh = dh;
    memcpy(j->cookie, cookie, sizeof(j->cookie));
    return g_thread_pool_push(h->server->helpers, j, NULL);
}
