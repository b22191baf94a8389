"""The pages as a person sees them: chromium against `backflush serve`, in a database of its own, under the real policy.

Left out where there is no chromium; BACKFLUSH_BROWSER=required makes that a failure. BACKFLUSH_BROWSER=/path names one.
"""
