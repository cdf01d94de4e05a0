"""netlab: image networks from parts chosen by name, trained, measured and compared.

Importing this package is cheap: it loads no torch, torchvision, cv2 or scikit-learn.
"""

__version__ = "0.1.0"
