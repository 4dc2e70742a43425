/* Native stacks (`run --native`): the frames of C and other compiled languages between the Python
 * ones.
 *
 * Where it is wanted, every stack is read here and not by following Python frames (follow.h), whose
 * short ways then find nothing: no stack is ever the last one there. Without it nothing of this is
 * entered, and the hooks are as they were.
 */
#ifndef HOLDFAST_PRELOAD_NATIVE_H
#define HOLDFAST_PRELOAD_NATIVE_H

/* The session that was joined wants native stacks, or not: see session_page.native. */
void native_begin(void);

/* An interpreter was found in `scope`, as dlsym takes it. */
void native_find_loop(void *scope);

/* dlclose has returned. */
void native_closed(void);

#endif
