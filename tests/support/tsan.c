/* SPDX-License-Identifier: Apache-2.0 */
/* tsan.c - tells the thread sanitizer what GLib's locks order.
 *
 * GLib's mutexes are futexes of its own, and the library is not built with the sanitizer, which
 * therefore sees threads that share memory without any order. Linked into each test of such a
 * build, these functions stand in front of GLib's, call them, and say "acquire" and "release".
 */

#include <glib.h>

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

/* GLib's own function of that name, in *at. */
static void
next(const char *name, void *at)
{
    void **function = at;

    *function = dlsym(RTLD_NEXT, name);
    g_assert(*function);
}

void
g_mutex_lock(GMutex *mutex)
{
    void (*real)(GMutex *);

    next("g_mutex_lock", &real);
    real(mutex);
    __tsan_acquire(mutex);
}

gboolean
g_mutex_trylock(GMutex *mutex)
{
    gboolean (*real)(GMutex *);

    next("g_mutex_trylock", &real);
    if (!real(mutex))
        return FALSE;
    __tsan_acquire(mutex);
    return TRUE;
}

void
g_mutex_unlock(GMutex *mutex)
{
    void (*real)(GMutex *);

    next("g_mutex_unlock", &real);
    __tsan_release(mutex);
    real(mutex);
}

void
g_cond_wait(GCond *cond, GMutex *mutex)
{
    void (*real)(GCond *, GMutex *);

    next("g_cond_wait", &real);
    __tsan_release(mutex);
    real(cond, mutex);
    __tsan_acquire(mutex);
}

gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    gboolean (*real)(GCond *, GMutex *, gint64);

    next("g_cond_wait_until", &real);
    __tsan_release(mutex);
    gboolean in_time = real(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return in_time;
}

void
g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    void (*real)(GAsyncQueue *, gpointer);

    next("g_async_queue_push", &real);
    __tsan_release(queue);
    real(queue, data);
}

gpointer
g_async_queue_pop(GAsyncQueue *queue)
{
    gpointer (*real)(GAsyncQueue *);

    next("g_async_queue_pop", &real);
    gpointer data = real(queue);
    __tsan_acquire(queue);
    return data;
}
